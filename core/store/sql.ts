import { arrayLiteral } from "./array-literal.ts";

/**
 * A statement with its values kept apart from its text, so that no value is ever spliced into SQL.
 * `client.query` takes it as it is. Nested inside another template it becomes a part of that statement.
 */
export class Statement {
  readonly text: string;
  readonly values: unknown[];
  readonly name?: string;
  readonly #strings: readonly string[];

  constructor(strings: readonly string[], values: unknown[], name?: string) {
    this.#strings = strings;
    this.values = values;
    this.text = strings.reduce((text, string, index) => `${text}$${index}${string}`);
    if (name !== undefined) this.name = name;
  }

  /** The parts between the values, for the statement that takes this one in. */
  static partsOf(statement: Statement): readonly string[] {
    return statement.#strings;
  }
}

function tag(name?: string) {
  return (template: TemplateStringsArray, ...holes: unknown[]): Statement => {
    const strings = [template[0] ?? ""];
    const values: unknown[] = [];
    const append = (text: string) => strings.push((strings.pop() ?? "") + text);

    holes.forEach((hole, index) => {
      const after = template[index + 1] ?? "";
      if (!(hole instanceof Statement)) {
        values.push(Array.isArray(hole) ? (arrayLiteral(hole) ?? hole) : hole);
        strings.push(after);
        return;
      }
      const [first = "", ...rest] = Statement.partsOf(hole);
      append(first);
      strings.push(...rest);
      values.push(...hole.values);
      append(after);
    });
    return new Statement(strings, values, name);
  };
}

/**
 * `` sql`select ${id}::uuid` `` becomes `select $1::uuid` with its value. `` sql.named("insert-messages")`...` `` is parsed
 * once per connection: for hot statements only, and one name must always have the same text.
 */
export const sql = Object.assign(tag(), { named: tag });
