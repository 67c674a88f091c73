/** An open edge: somebody (Meta or an agent) says that two identities are one human. */
export interface Edge {
  a: string;
  b: string;
}

/**
 * Persons are the connected parts of the identities under their open edges, named by their smallest identity id.
 * Joining is therefore commutative, associative and idempotent, and closing an edge restores what was before it.
 */
export function persons(identities: Iterable<string>, edges: Iterable<Edge>): Map<string, string> {
  const parent = new Map<string, string>();
  for (const id of identities) parent.set(id, id);
  const root = (id: string): string => {
    let at = id;
    for (let up = parent.get(at) ?? at; up !== at; up = parent.get(at) ?? at) at = up;
    parent.set(id, at);
    return at;
  };
  for (const { a, b } of edges) {
    const [low, high] = [root(a), root(b)].sort() as [string, string];
    parent.set(high, low);
  }
  return new Map([...parent.keys()].map((id) => [id, root(id)]));
}
