import { stringifyJson } from '../json/json.ts';
import type { Schema } from './schema.ts';
import { schemaToJson } from './schema-json.ts';

/**
 * The schema of a list that is the same as this one but for its id: no table should have two of a kind. Docs and
 * members that nobody knows count.
 */
export function findSameSchema(schemas: readonly Schema[], schema: Schema): Schema | undefined {
  const text = schemaText(schema);
  return schemas.find((other) => schemaText(other) === text);
}

function schemaText(schema: Schema): string {
  return stringifyJson(schemaToJson({ ...schema, schemaId: 0 }));
}
