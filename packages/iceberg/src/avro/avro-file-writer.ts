import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { stringifyJson } from '../json/json.ts';
import { AvroSink, type AvroValue, compileEncoder } from './avro-encoder.ts';
import { type AvroType, avroTypeToJson } from './avro-type.ts';

/** Codecs this release writes. */
export type AvroCodec = 'deflate' | 'null';

/** The first bytes of every Avro object container file. */
export const avroMagic: Uint8Array = Uint8Array.of(0x4f, 0x62, 0x6a, 0x01);
/** Length of the marker that ends header and blocks. */
export const avroSyncBytes = 16;
const targetBlockBytes = 64 * 1024;

export interface AvroFileWriterOptions {
  readonly type: AvroType;
  /** Default `deflate`. */
  readonly codec?: AvroCodec;
}

/**
 * Writes Avro object container files of one type, by parts: a header, then any number of blocks. All files of a
 * writer share one sync marker, so a block made for one of them can stand in another as it is.
 */
export class AvroFileWriter {
  readonly codec: AvroCodec;
  readonly #schema: string;
  readonly #encode: ReturnType<typeof compileEncoder>;
  readonly #sync = randomBytes(avroSyncBytes);
  readonly #sink = new AvroSink();

  constructor({ type, codec = 'deflate' }: AvroFileWriterOptions) {
    this.codec = codec;
    this.#schema = stringifyJson(avroTypeToJson(type));
    this.#encode = compileEncoder(type);
  }

  /** The header with these entries beside `avro.schema` and `avro.codec`. */
  header(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    const entries = Object.entries({ 'avro.schema': this.#schema, 'avro.codec': this.codec, ...metadata });
    const sink = this.#sink;
    sink.writeRaw(avroMagic);
    sink.writeLong(entries.length);
    for (const [key, value] of entries) {
      sink.writeString(key);
      sink.writeString(value);
    }
    sink.writeByte(0);
    sink.writeRaw(this.#sync);
    return sink.take();
  }

  /** Blocks of at most some tens of kilobytes. A record that is not of the type throws a `TypeError`. */
  *blocks(records: Iterable<AvroValue>): Generator<Uint8Array> {
    const data = new AvroSink();
    let count = 0;
    for (const value of records) {
      this.#encode(data, value);
      count += 1;
      if (data.length < targetBlockBytes) continue;
      yield this.#block(count, data.take());
      count = 0;
    }
    if (count > 0) yield this.#block(count, data.take());
  }

  #block(count: number, data: Uint8Array): Uint8Array {
    const sink = this.#sink;
    sink.writeLong(count);
    sink.writeBytes(this.codec === 'deflate' ? deflateRawSync(data) : data);
    sink.writeRaw(this.#sync);
    return sink.take();
  }
}

/** A whole Avro object container file. */
export function encodeAvroFile(
  options: AvroFileWriterOptions & {
    readonly records: Iterable<AvroValue>;
    readonly metadata?: Readonly<Record<string, string>>;
  },
): Uint8Array {
  const writer = new AvroFileWriter(options);
  return Buffer.concat([writer.header(options.metadata), ...writer.blocks(options.records)]);
}
