import type { JsonObject, JsonValue } from './json-value.ts';

/** Deeper nesting is damage (or an attack on the stack): Iceberg's JSON has some ten levels. */
const maxDepth = 512;
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const space = /[ \t\n\r]*/y;

/**
 * A JSON parser (RFC 8259) that hands every number's text to `toNumber`. `JSON.parse` offers the text to a reviver
 * too, at about three times the cost for a metadata file of 1,000 snapshots (measured, Node 24), and walks a value
 * nested too deeply until the stack ends. Throws `SyntaxError`.
 */
export class JsonParser {
  readonly #text: string;
  readonly #toNumber: (source: string, isInteger: boolean) => JsonValue;
  #position = 0;

  constructor(text: string, toNumber: (source: string, isInteger: boolean) => JsonValue) {
    this.#text = text;
    this.#toNumber = toNumber;
  }

  parse(): JsonValue {
    const value = this.#value(0);
    if (this.#position < this.#text.length) throw this.#unexpected();
    return value;
  }

  /** Reads one value and the space around it. */
  #value(depth: number): JsonValue {
    if (depth > maxDepth) throw new SyntaxError(`JSON nested more than ${maxDepth} deep`);
    this.#skipSpace();
    const value = this.#bareValue(depth);
    this.#skipSpace();
    return value;
  }

  #bareValue(depth: number): JsonValue {
    switch (this.#text[this.#position]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    const object: Record<string, JsonValue> = {};
    this.#position += 1;
    this.#skipSpace();
    if (this.#take('}')) return object;
    do {
      this.#skipSpace();
      if (this.#text[this.#position] !== '"') throw this.#unexpected();
      const key = this.#string();
      this.#skipSpace();
      if (!this.#take(':')) throw this.#unexpected();
      const value = this.#value(depth + 1);
      if (key === '__proto__') {
        // Assignment would set the prototype instead of making a member.
        Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
      } else object[key] = value;
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#unexpected();
    return object;
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#position += 1;
    this.#skipSpace();
    if (this.#take(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#unexpected();
    return items;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#position;
    for (let at = start + 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        this.#position = at + 1;
        return text.slice(start + 1, at);
      }
      if (code === 0x5c || code < 0x20) return this.#escapedString(at);
    }
    throw this.#unexpected(text.length);
  }

  /** Rare, so it is left to the platform: finds the end, and lets `JSON.parse` judge what is in between. */
  #escapedString(from: number): string {
    const text = this.#text;
    const start = this.#position;
    let end = from;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length) throw this.#unexpected(text.length);
    this.#position = end + 1;
    return JSON.parse(text.slice(start, end + 1)) as string;
  }

  #number(): JsonValue {
    number.lastIndex = this.#position;
    const match = number.exec(this.#text);
    if (match === null) throw this.#unexpected();
    this.#position = number.lastIndex;
    return this.#toNumber(match[0], match[1] === undefined && match[2] === undefined);
  }

  #word<T extends boolean | null>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#position)) throw this.#unexpected();
    this.#position += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#position] !== character) return false;
    this.#position += 1;
    return true;
  }

  #skipSpace(): void {
    // Files are mostly written without: look before the regular expression is started.
    if (this.#text.charCodeAt(this.#position) > 0x20) return;
    space.lastIndex = this.#position;
    space.exec(this.#text);
    this.#position = space.lastIndex;
  }

  #unexpected(at = this.#position): SyntaxError {
    const found = this.#text[at];
    return new SyntaxError(
      found === undefined
        ? `unexpected end of JSON`
        : `unexpected ${JSON.stringify(found)} at position ${at} of JSON`,
    );
  }
}
