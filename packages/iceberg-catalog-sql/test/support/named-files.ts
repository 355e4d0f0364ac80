import type { DataFile } from '@danube/iceberg';

/** A data file in name only: commits do not look into files. */
export function fileNamed(name: string): DataFile {
  return {
    content: 'data',
    filePath: `mem://data/${name}`,
    fileFormat: 'PARQUET',
    partition: [],
    specId: 0,
    recordCount: 1,
    fileSizeInBytes: 1,
  };
}

/** The file that every process tries to replace in its i-th turn. */
export function contestedName(i: number): string {
  return `contested-${i}`;
}
