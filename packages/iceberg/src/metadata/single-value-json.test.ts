import { expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { type JsonValue, parseJson } from '../json/json.ts';
import type { RowValue } from './row.ts';
import type { Type } from './schema.ts';
import { singleValueFromJson } from './single-value-json.ts';

/** The examples of the specification, and what a double would lose. */
test.each<[Type, string, RowValue]>([
  ['boolean', 'true', true],
  ['int', '34', 34],
  ['long', '34', 34n],
  ['long', '9223372036854775807', 2n ** 63n - 1n],
  ['float', '1.0', 1],
  // As rows of files have it: the single nearest to it.
  ['float', '0.1', Math.fround(0.1)],
  ['double', '0.1', 0.1],
  ['double', '1e300', 1e300],
  ['decimal(9,2)', '"14.20"', 1420n],
  ['decimal(9,2)', '"-0.05"', -5n],
  ['date', '"2017-11-16"', 17_486],
  ['date', '"1969-12-31"', -1],
  ['time', '"22:31:08.123456"', 81_068_123_456n],
  ['timestamp', '"2017-11-16T22:31:08.123456"', 1_510_871_468_123_456n],
  ['timestamptz', '"1969-12-31T23:59:59.999999+00:00"', -1n],
  ['timestamp_ns', '"2017-11-16T22:31:08.123456789"', 1_510_871_468_123_456_789n],
  ['timestamptz_ns', '"2017-11-16T22:31:08.123456789+00:00"', 1_510_871_468_123_456_789n],
  ['string', '"iceberg"', 'iceberg'],
  ['uuid', '"F79C3E09-677C-4BBD-A479-3F349CB785E7"', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
  ['fixed[4]', '"00010203"', Uint8Array.of(0, 1, 2, 3)],
  ['binary', '"000102ff"', Uint8Array.of(0, 1, 2, 255)],
  [{ type: 'list', elementId: 1, elementRequired: false, element: 'long' }, '[1, null]', [1n, null]],
  [
    { type: 'map', keyId: 1, key: 'string', valueId: 2, valueRequired: false, value: 'int' },
    '{"keys": ["a", "b"], "values": [1, null]}',
    new Map([
      ['a', 1],
      ['b', null],
    ]),
  ],
  [
    { type: 'struct', fields: [{ id: 7, name: 'x', required: false, type: 'int' }] },
    '{"7": 5, "8": 6}',
    { x: 5 },
  ],
])('%j: %s', (type, json, value) => {
  expect(singleValueFromJson(type, parseJson(json))).toEqual(value);
});

test.each<[Type, JsonValue]>([
  ['int', 1.5],
  ['int', 2 ** 31],
  ['long', 1.5],
  ['long', 2n ** 63n],
  ['float', 1e300],
  ['double', 'NaN'],
  ['decimal(9,2)', '14.2'],
  ['decimal(4,2)', '1e2'],
  ['date', '2017-13-01'],
  ['time', '25:00:00'],
  ['timestamp', '2017-11-16T22:31:08+00:00'],
  ['timestamptz', '2017-11-16T22:31:08'],
  ['timestamp', '2017-11-16T22:31:08.123456789'],
  ['fixed[2]', 'abc'],
  ['fixed[2]', 'aabbcc'],
  ['uuid', 'f79c3e09'],
  ['string', 5],
  [{ type: 'list', elementId: 1, elementRequired: true, element: 'int' }, {}],
  [
    { type: 'map', keyId: 1, key: 'string', valueId: 2, valueRequired: true, value: 'int' },
    { keys: ['a'], values: [] },
  ],
  [{ type: 'struct', fields: [] }, []],
])('%j: %s is INVALID_METADATA', (type, json) => {
  let thrown: unknown;
  try {
    singleValueFromJson(type, json);
  } catch (error) {
    thrown = error;
  }
  expect(IcebergError.is(thrown, 'INVALID_METADATA')).toBe(true);
});
