import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { IcebergError } from '../errors.ts';
import { parseJson } from '../json/json.ts';
import { AvroDataError, type AvroDecode, AvroSource, compileDecoder } from './avro-decoder.ts';
import type { AvroValue } from './avro-encoder.ts';
import { avroMagic, avroSyncBytes } from './avro-file-writer.ts';
import { withPrefixedFixed } from './avro-prefixed-fixed.ts';
import { AvroSchemaError, parseAvroSchema } from './avro-schema-parser.ts';
import type { AvroType } from './avro-type.ts';

/** A block that inflates to more is damage: manifests are written with blocks of some tens of kilobytes. */
const defaultMaxBlockBytes = 2 ** 29;

/** An opened Avro object container file. */
export interface AvroFile {
  readonly type: AvroType;
  /** The header's entries as text, `avro.*` included. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The records, decoded block by block as they are taken; damage shows as `INVALID_MANIFEST` on the way. */
  records(): Generator<AvroValue>;
}

/**
 * Opens an Avro object container file held in memory. `location` is named in errors: `INVALID_MANIFEST` for
 * damage, `UNSUPPORTED_FEATURE` for a codec this release does not have.
 */
export function decodeAvroFile(
  bytes: Uint8Array,
  location: string,
  { maxBlockBytes = defaultMaxBlockBytes }: { readonly maxBlockBytes?: number } = {},
): AvroFile {
  return guarded(location, () => {
    const source = new AvroSource(bytes);
    if (!isEqual(source.readView(Math.min(avroMagic.length, source.remaining)), avroMagic)) {
      throw new AvroDataError('not an Avro file');
    }
    const metadata = readHeader(source);
    const sync = source.readRaw(avroSyncBytes);
    const schema = metadata.get('avro.schema');
    if (schema === undefined) throw new AvroDataError('the header has no avro.schema');
    const type = parseAvroSchema(parseJson(schema));
    const codec = metadata.get('avro.codec') ?? 'null';
    return {
      type,
      metadata,
      records: () =>
        readRecords(new AvroSource(bytes, source.position), type, sync, location, (stored) =>
          decompress(stored, codec, location, maxBlockBytes),
        ),
    };
  });
}

function readHeader(source: AvroSource): ReadonlyMap<string, string> {
  const header = compileDecoder({ kind: 'map', values: { kind: 'bytes' } })(source);
  // Values are bytes by the format; Iceberg's are all text, and one that is not is nobody's loss here.
  return new Map(
    [...(header as ReadonlyMap<string, Uint8Array>)].map(([key, value]) => [
      key,
      Buffer.from(value).toString('utf8'),
    ]),
  );
}

function* readRecords(
  source: AvroSource,
  type: AvroType,
  sync: Uint8Array,
  location: string,
  inflate: (stored: Uint8Array) => Uint8Array,
): Generator<AvroValue> {
  const other = withPrefixedFixed(type);
  const forms = (other ? [type, other] : [type]).map(compileDecoder);
  while (source.remaining > 0) {
    const { count, data } = guarded(location, () => {
      const records = source.readLong();
      const stored = source.readView(source.readSize());
      if (!isEqual(source.readView(Math.min(avroSyncBytes, source.remaining)), sync)) {
        throw new AvroDataError('a block does not end in the sync marker');
      }
      const inflated = inflate(stored);
      if (typeof records !== 'number' || records < 0 || records > Math.max(inflated.length, 1)) {
        throw new AvroDataError(`a block of ${inflated.length} bytes claims ${records} records`);
      }
      return { count: records, data: inflated };
    });
    if (forms.length > 1) yield* guarded(location, () => decodeEitherForm(data, count, forms));
    else yield* decodeBlock(data, count, forms[0] as AvroDecode, location);
  }
}

/** Record by record: a block's records need not be in memory together. */
function* decodeBlock(
  data: Uint8Array,
  count: number,
  decode: AvroDecode,
  location: string,
): Generator<AvroValue> {
  const block = new AvroSource(data);
  for (let i = 0; i < count; i += 1) yield guarded(location, () => decode(block));
  if (block.remaining > 0) throw invalid(location, leftOver(block));
}

/** The records of a block in the first form that accounts for every byte of it. */
function decodeEitherForm(data: Uint8Array, count: number, forms: readonly AvroDecode[]): AvroValue[] {
  let first: unknown;
  for (const decode of forms) {
    const block = new AvroSource(data);
    try {
      const records: AvroValue[] = [];
      while (records.length < count) records.push(decode(block));
      if (block.remaining === 0) return records;
      first ??= new AvroDataError(leftOver(block));
    } catch (error) {
      if (!(error instanceof AvroDataError)) throw error;
      first ??= error;
    }
  }
  throw first;
}

function leftOver(block: AvroSource): string {
  return `a block has ${block.remaining} bytes after its last record`;
}

function decompress(
  stored: Uint8Array,
  codec: string,
  location: string,
  maxOutputLength: number,
): Uint8Array {
  switch (codec) {
    case 'null':
      return stored;
    case 'deflate':
      return decompressed(() => inflateRawSync(stored, { maxOutputLength }));
    case 'zstandard':
      return decompressed(() => zstdDecompressSync(stored, { maxOutputLength }));
    default:
      throw new IcebergError('UNSUPPORTED_FEATURE', `${location}: Avro codec ${codec.slice(0, 40)}`, {
        context: { file: location, codec },
      });
  }
}

function decompressed(run: () => Uint8Array): Uint8Array {
  try {
    return run();
  } catch (cause) {
    throw new AvroDataError(`a block cannot be decompressed (${(cause as Error).message})`, { cause });
  }
}

/** What the bytes cause becomes an error naming the file; mistakes of this package's own pass through. */
function guarded<T>(location: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof AvroDataError || cause instanceof AvroSchemaError || cause instanceof SyntaxError) {
      throw invalid(location, cause.message, cause);
    }
    throw cause;
  }
}

function invalid(location: string, message: string, cause?: unknown): IcebergError {
  return new IcebergError('INVALID_MANIFEST', `${location}: ${message}`, {
    cause,
    context: { file: location },
  });
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
