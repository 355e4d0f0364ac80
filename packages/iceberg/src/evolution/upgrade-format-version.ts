import { randomUUID } from 'node:crypto';
import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import { writableFormatVersion } from '../metadata/table-metadata-json.ts';
import type { TableOperation } from '../transaction/table-operation.ts';

/**
 * Makes a table of format v1 one of v2, the version that this release writes. All snapshots stay, with sequence number
 * 0, and no data file is rewritten; a table without uuid gets one. A table that is v2 already is left alone.
 *
 * There is no way back: readers that know only v1 cannot read the table any more.
 *
 * @throws IcebergError `UNSUPPORTED_FORMAT_VERSION` at once for another version than 2, and when planned on a table of a
 *   newer one
 * @see https://iceberg.apache.org/spec/#version-2
 */
export function upgradeFormatVersion(formatVersion: number): TableOperation {
  if (formatVersion !== writableFormatVersion)
    throw unsupported(`cannot upgrade to format version ${formatVersion}`);
  return {
    name: 'upgradeFormatVersion',
    plan: ({ metadata }) => {
      if (metadata.formatVersion === formatVersion) return { updates: [] };
      if (metadata.formatVersion > formatVersion) {
        throw unsupported(
          `the format version cannot go back from ${metadata.formatVersion} to ${formatVersion}`,
        );
      }
      // Named here, so that every catalog gives the table the same one.
      const uuid: readonly TableUpdate[] =
        metadata.tableUuid === '' ? [{ action: 'assign-uuid', uuid: randomUUID() }] : [];
      return { updates: [...uuid, { action: 'upgrade-format-version', formatVersion }] };
    },
  };
}

function unsupported(message: string): IcebergError {
  return new IcebergError(
    'UNSUPPORTED_FORMAT_VERSION',
    `${message} (this release writes ${writableFormatVersion})`,
  );
}
