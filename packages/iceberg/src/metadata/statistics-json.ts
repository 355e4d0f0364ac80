import type { JsonFields } from '../json/json-fields.ts';
import type { PartitionStatisticsFile, StatisticsFile } from './statistics.ts';

export function readStatisticsFile(json: JsonFields): StatisticsFile {
  const keyMetadata = json.optionalString('key-metadata');
  return {
    snapshotId: json.long('snapshot-id'),
    statisticsPath: json.string('statistics-path'),
    fileSizeInBytes: json.safeLong('file-size-in-bytes'),
    fileFooterSizeInBytes: json.safeLong('file-footer-size-in-bytes'),
    ...(keyMetadata !== undefined && { keyMetadata }),
    blobMetadata: json.objects('blob-metadata', (blob) => {
      const properties = blob.optionalStringMap('properties');
      return {
        type: blob.string('type'),
        snapshotId: blob.long('snapshot-id'),
        sequenceNumber: blob.long('sequence-number'),
        fields: blob.intArray('fields'),
        ...(properties !== undefined && { properties }),
        ...blob.extra(),
      };
    }),
    ...json.extra(),
  };
}

export function statisticsFileToJson(file: StatisticsFile): object {
  return {
    'snapshot-id': file.snapshotId,
    'statistics-path': file.statisticsPath,
    'file-size-in-bytes': file.fileSizeInBytes,
    'file-footer-size-in-bytes': file.fileFooterSizeInBytes,
    'key-metadata': file.keyMetadata,
    'blob-metadata': file.blobMetadata.map((blob) => ({
      type: blob.type,
      'snapshot-id': blob.snapshotId,
      'sequence-number': blob.sequenceNumber,
      fields: blob.fields,
      properties: blob.properties,
      ...blob.extra,
    })),
    ...file.extra,
  };
}

export function readPartitionStatisticsFile(json: JsonFields): PartitionStatisticsFile {
  return {
    snapshotId: json.long('snapshot-id'),
    statisticsPath: json.string('statistics-path'),
    fileSizeInBytes: json.safeLong('file-size-in-bytes'),
    ...json.extra(),
  };
}

export function partitionStatisticsFileToJson(file: PartitionStatisticsFile): object {
  return {
    'snapshot-id': file.snapshotId,
    'statistics-path': file.statisticsPath,
    'file-size-in-bytes': file.fileSizeInBytes,
    ...file.extra,
  };
}
