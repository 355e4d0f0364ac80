import { readFileSync } from 'node:fs';
import type { DescField, DescMessage, JsonValue } from '@bufbuild/protobuf';
import { fromBinary, fromJson, ScalarType, toBinary, toJson } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { file_danube } from '../src/gen/danube_pb.ts';
import {
  consumerService,
  discoveryService,
  encodeStreamMessage,
  healthCheckService,
  producerService,
  StreamMessageSchema,
} from '../src/protocol.ts';

interface Golden {
  readonly label: string;
  readonly type: string;
  readonly hex: string;
  readonly json: JsonValue;
}

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/wire/${name}`, import.meta.url), 'utf8'));
const golden = fixture('messages.json') as readonly Golden[];
const schemas = new Map<string, DescMessage>(file_danube.messages.map((schema) => [schema.typeName, schema]));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('every message type has golden bytes', () => {
  expect([...new Set(golden.map(({ type }) => type))].sort()).toEqual([...schemas.keys()].sort());
});

for (const [typeName, schema] of schemas) {
  const cases = golden.filter(({ type }) => type === typeName);

  test(`${typeName}: the official client's bytes are read as what they say (${cases.length} messages)`, () => {
    for (const { label, hex: bytes, json } of cases) {
      expect(toJson(schema, fromBinary(schema, Buffer.from(bytes, 'hex'))), label).toEqual(json);
    }
  });

  test(`${typeName}: we write the bytes the official client writes`, () => {
    for (const { label, hex: bytes, json } of cases) {
      expect(hex(toBinary(schema, fromJson(schema, json))), label).toBe(bytes);
    }
  });
}

test('the encoder written for StreamMessage writes the same bytes', () => {
  for (const { label, type, hex: bytes, json } of golden) {
    if (type !== StreamMessageSchema.typeName) continue;
    expect(hex(encodeStreamMessage(fromJson(StreamMessageSchema, json))), label).toBe(bytes);
  }
});

/** A field as descriptor.json tells it. */
function fieldFacts(field: DescField): readonly unknown[] {
  const target =
    field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message')
      ? field.message?.typeName
      : field.fieldKind === 'map'
        ? `${field.parent.typeName}.${pascal(field.name)}Entry`
        : field.fieldKind === 'enum'
          ? field.enum.typeName
          : '';
  const type =
    field.fieldKind === 'scalar' || (field.fieldKind === 'list' && field.listKind === 'scalar')
      ? ScalarType[field.scalar]?.toLowerCase()
      : field.fieldKind === 'enum'
        ? 'enum'
        : 'message';
  const label = field.fieldKind === 'list' || field.fieldKind === 'map' ? 'repeated' : 'optional';
  return [field.number, type, label, target ?? '', field.proto.proto3Optional];
}

const pascal = (name: string): string =>
  name.replace(/(^|_)([a-z])/g, (_all, _gap, letter: string) => letter.toUpperCase());

test('names, numbers, types and presence of every field, enum and method are those of the official client', () => {
  const theirs = fixture('descriptor.json') as {
    readonly package: string;
    readonly enums: Record<string, Record<string, number>>;
    readonly messages: Record<string, Record<string, unknown[]>>;
    readonly services: Record<string, Record<string, unknown[]>>;
  };
  expect(file_danube.proto.package).toBe(theirs.package);

  const messages = file_danube.messages.map((message) => [
    message.name,
    Object.fromEntries(message.fields.map((field) => [field.name, fieldFacts(field)])),
  ]);
  const { 'StreamMessage.AttributesEntry': entry, ...others } = theirs.messages;
  expect(Object.fromEntries(messages)).toEqual(others);
  expect(entry).toEqual({
    key: [1, 'string', 'optional', '', false],
    value: [2, 'string', 'optional', '', false],
  });

  const enums = [...file_danube.enums, ...file_danube.messages.flatMap(({ nestedEnums }) => nestedEnums)].map(
    (each) => [
      each.typeName.slice('danube.'.length),
      Object.fromEntries(each.values.map(({ name, number }) => [name, number])),
    ],
  );
  expect(Object.fromEntries(enums)).toEqual(theirs.enums);

  const services = file_danube.services.map((service) => [
    service.name,
    Object.fromEntries(
      service.methods.map((method) => [
        method.name,
        [
          method.input.typeName,
          method.output.typeName,
          method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
          method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
        ],
      ]),
    ),
  ]);
  expect(Object.fromEntries(services)).toEqual(theirs.services);
});

test('the gRPC definitions name every method of the protocol by its path', () => {
  const paths = [discoveryService, healthCheckService, producerService, consumerService]
    .flatMap((service) => Object.values(service))
    .map(({ path, responseStream }) => [path, responseStream]);
  const declared = file_danube.services.flatMap((service) =>
    service.methods.map((method) => [
      `/${service.typeName}/${method.name}`,
      method.methodKind === 'server_streaming',
    ]),
  );
  expect(paths.sort()).toEqual(declared.sort());
});
