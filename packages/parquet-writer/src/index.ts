export type { ColumnBatch, ColumnValues, MapEntries, NullableValues, TypedValues } from './column-batch.ts';
export type { EncoderStats, ParquetEncoder, ParquetFile, ParquetFileWriter } from './encoder.ts';
export type { ParquetWriterErrorCode, ParquetWriterErrorContext } from './errors.ts';
export { ParquetWriterError } from './errors.ts';
export type { MetricsConfig, MetricsMode } from './metrics-mode.ts';
export type { EncoderOptions, FileOptions } from './options.ts';
export type { WriterField, WriterMapType, WriterPrimitiveType } from './schema.ts';
export { createParquetEncoder } from './wasm-encoder.ts';
