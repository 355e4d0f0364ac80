import type { Catalog, FileIO } from '@danube/iceberg';
import type { IcebergStorageOptions } from '@danube/storage';
import { openWal } from '@danube/wal';
import type { Logger } from './log.ts';

/** The steps between an acknowledgement and the truncation of the log, as the log names them. */
export type Phase = 'upload' | 'commit' | 'truncate';

/** A table's catalog and files, and perhaps a log that tells. */
export interface WatchedStorage {
  readonly target: { readonly catalog: Catalog; readonly io: FileIO };
  readonly openWal: IcebergStorageOptions['openWal'];
}

/**
 * At log level `debug`, makes each step from data file to truncation write a line `{phase, state: begin|end}`
 * before and after it: for finding out what a broker was doing when it died. At other levels everything is
 * handed through untouched.
 */
export function watchPhases(target: WatchedStorage['target'], logger: Logger): WatchedStorage {
  if (!logger.isLevelEnabled('debug')) return { target, openWal: undefined };
  const during = async <T>(
    phase: Phase,
    facts: Record<string, unknown>,
    work: () => Promise<T>,
  ): Promise<T> => {
    logger.debug({ phase, state: 'begin', ...facts });
    try {
      return await work();
    } finally {
      logger.debug({ phase, state: 'end', ...facts });
    }
  };
  const { catalog, io } = target;
  return {
    target: {
      catalog: replaceMethod(catalog, 'commitTable', (id, request, options) =>
        during('commit', { table: [...id.namespace, id.name].join('.') }, () =>
          catalog.commitTable(id, request, options),
        ),
      ),
      io: replaceMethod(io, 'writeFile', (location, data, options) =>
        during('upload', { location }, () => io.writeFile(location, data, options)),
      ),
    },
    openWal: async (options) => {
      const wal = await openWal(options);
      return replaceMethod(wal, 'truncateBefore', (offset) =>
        during('truncate', { offset }, () => wal.truncateBefore(offset)),
      );
    },
  };
}

/** The same object with one method exchanged. Methods run on the original, which may have private fields. */
function replaceMethod<T extends object, Name extends keyof T>(
  original: T,
  name: Name,
  replacement: T[Name],
): T {
  return new Proxy(original, {
    get(object, key) {
      if (key === name) return replacement;
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
