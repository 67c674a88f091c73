import { type Language, words } from "#core/words/words.ts";

type Entry = { token: string } | { refused: true } | { entered: true };

/** The page of a set-up link. It works without script; the token is the only foreign text in it. */
export function entryPage(language: Language, entry: Entry): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Triveni</title>
<link rel="stylesheet" href="/console/files/record.css">
</head>
<body>
<main>
<h1>Triveni</h1>
${contentOf(language, entry)}
</main>
</body>
</html>
`;
}

function contentOf(language: Language, entry: Entry): string {
  if ("refused" in entry) return `<p role="alert">${words(language, "page.entry_used")}</p>`;
  if ("entered" in entry) return `<p role="status">${words(language, "page.entered")}</p>`;
  return `<form method="post" action="/console/enter">
<input type="hidden" name="token" value="${escaped(entry.token)}">
<button type="submit">${words(language, "page.enter")}</button>
</form>`;
}

/** Only what a token is made of; anything else cannot be one of ours. */
function escaped(token: string): string {
  return token.replace(/[^\w-]/g, "").slice(0, 100);
}
