/** A number whose text neither a safe integer nor a double reproduces (`1.0`, `1e400`); printed as it was read. */
export interface RawJson {
  readonly rawJSON: string;
}

/**
 * A JSON value as `parseJson` gives it: integers up to 2^53-1 are numbers, larger ones bigints, other
 * numbers are numbers if printing gives back the text read, else {@link RawJson}.
 */
export type JsonValue = null | boolean | string | number | bigint | RawJson | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
