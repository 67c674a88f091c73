import { type Language, words } from "#core/words/words.ts";

type Entry = "asked" | "refused" | "entered";

/**
 * The page of a set-up link. The token stands behind the `#` of the address, which no server, log or proxy ever sees;
 * `enter.js` takes it from there. Nothing foreign is in this page.
 */
export function entryPage(language: Language, entry: Entry): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Triveni</title>
<link rel="icon" href="/console/files/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/console/files/record.css">
<script type="module" src="/console/files/enter.js"></script>
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
  if (entry === "refused") return `<p role="alert">${words(language, "page.entry_used")}</p>`;
  if (entry === "entered") return `<p role="status">${words(language, "page.entered")}</p>`;
  return `<form method="post" action="/console/enter">
<input type="hidden" id="token" name="token">
<button type="submit">${words(language, "page.enter")}</button>
<noscript><p role="alert">${words(language, "page.needs_script")}</p></noscript>
</form>`;
}
