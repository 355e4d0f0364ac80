import assert from 'node:assert/strict';
import type { Catalog, TableIdentifier } from '../catalog/catalog.ts';
import { IcebergError, type IcebergErrorCode } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';

/** What a case works on. */
export interface CatalogSubject {
  /** The catalog under test, without namespaces and tables of earlier cases. */
  readonly catalog: Catalog;
  /** Another client of the same catalog (another connection, another process); may be the same object. */
  readonly other: Catalog;
  /** Reads and writes the files at the locations that the catalog gives to tables. */
  readonly io: FileIO;
}

/** One promise of `Catalog` as a test: `run` throws if the catalog breaks it. */
export interface CatalogConformanceCase {
  readonly name: string;
  run(subject: CatalogSubject): Promise<void>;
}

/** Honest differences between catalogs. All default to true. */
export interface CatalogCapabilities {
  /** Namespaces may have more than one level. */
  readonly nestedNamespaces?: boolean;
  /** Names may hold spaces, upper case and letters beyond ASCII. */
  readonly freeNames?: boolean;
  /** Names of namespaces and tables may hold slashes. */
  readonly slashesInNames?: boolean;
  /** Names of tables may hold dots. */
  readonly dotsInTableNames?: boolean;
  /** A level of a namespace may hold dots, and is not two levels then. */
  readonly dotsInNamespaces?: boolean;
  /** `createTable` puts the table where `location` says. */
  readonly requestedLocation?: boolean;
  /** No table gets by default a location that another table had, even if that one was dropped or renamed. */
  readonly freshLocations?: boolean;
  /** `loadTable` reads the metadata file, so it cannot load a table whose file is damaged or gone. */
  readonly loadsFromFile?: boolean;
  /** `dropTable` with `purge` deletes the files before it resolves. */
  readonly purge?: boolean;
  readonly rename?: boolean;
  readonly register?: boolean;
}

/** Asserts that a call fails with one code, and gives the error. */
export async function assertFails(
  code: IcebergErrorCode,
  call: () => Promise<unknown>,
): Promise<IcebergError> {
  let outcome: unknown = 'no error';
  try {
    await call();
  } catch (error) {
    outcome = error;
  }
  assert.ok(IcebergError.is(outcome), `expected ${code}, got ${String(outcome)}`);
  assert.equal(outcome.code, code, outcome.message);
  return outcome;
}

/** The names a catalog lists, in one order. */
export function names(identifiers: readonly TableIdentifier[]): string[] {
  return identifiers.map(({ namespace: levels, name }) => [...levels, name].join('/')).sort();
}

/** Both clients in turn, `count` in all. */
export function clients({ catalog, other }: CatalogSubject, count: number): readonly Catalog[] {
  return Array.from({ length: count }, (_, i) => (i % 2 === 0 ? catalog : other));
}

/** Asserts that of several calls made at once exactly one succeeded and each other failed with one of the codes. */
export async function assertOneWins<T>(
  calls: readonly Promise<T>[],
  ...codes: readonly IcebergErrorCode[]
): Promise<T> {
  const outcomes = await Promise.allSettled(calls);
  const won: T[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') won.push(outcome.value);
    else
      assert.ok(
        codes.some((code) => IcebergError.is(outcome.reason, code)),
        String(outcome.reason),
      );
  }
  assert.equal(won.length, 1, `${won.length} of ${calls.length} succeeded`);
  return won[0] as T;
}
