import { expect, test } from 'vitest';
import { createRequestToJson } from './create-request.ts';

const identifier = { namespace: ['a'], name: 'b' };
const fields = [
  { id: 5, name: 'id', required: true, type: 'long' },
  { id: 9, name: 'at', required: false, type: 'timestamptz' },
] as const;

test('a request says what the table shall be, and that it is not staged: Nessie refuses one that does not say it', () => {
  const partitionSpec = { fields: [{ sourceId: 9, transform: 'day', name: 'day' }] } as const;
  const sortField = {
    sourceId: 5,
    transform: 'identity',
    direction: 'asc',
    nullOrder: 'nulls-first',
  } as const;
  const request = createRequestToJson(identifier, {
    schema: { fields },
    partitionSpec,
    sortOrder: { fields: [sortField] },
    location: 's3://b/t',
    properties: { 'format-version': '3' },
  });
  expect(JSON.parse(JSON.stringify(request))).toEqual({
    name: 'b',
    location: 's3://b/t',
    schema: { type: 'struct', 'schema-id': 0, fields },
    'partition-spec': { 'spec-id': 0, fields: [{ 'source-id': 9, transform: 'day', name: 'day' }] },
    'write-order': {
      'order-id': 1,
      fields: [{ 'source-id': 5, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
    },
    'stage-create': false,
    properties: { 'format-version': '3' },
  });
});

test('what is left open is left to the server', () => {
  const request = createRequestToJson(identifier, { schema: { fields } });
  expect(Object.keys(JSON.parse(JSON.stringify(request))).sort()).toEqual([
    'name',
    'properties',
    'schema',
    'stage-create',
  ]);
});
