import type { Options } from 'tsup';

/**
 * The build every package shares: ESM and types for the Node floor.
 * `removeNodeProtocol: false` keeps `node:sqlite` from turning into a missing package `sqlite`.
 */
export function library(entry: Record<string, string>, extra: Options = {}): Options {
  return {
    entry,
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    dts: true,
    sourcemap: true,
    clean: true,
    splitting: true,
    removeNodeProtocol: false,
    ...extra,
  };
}
