import { IcebergError } from '../errors.ts';
import type { Catalog } from './catalog.ts';

/** A catalog that holds connections or a file until it is closed. */
export type OpenCatalog = Catalog & { close(): Promise<void> };

/** Opens one type of catalog, such as `openRestCatalog`. Takes one object with all its options. */
export type CatalogOpener = (options: never) => Promise<OpenCatalog>;

/** Opens catalogs from configuration. It keeps nothing: each `open` gives a catalog of its own, which the caller closes. */
export interface CatalogFactory<Types extends Readonly<Record<string, CatalogOpener>>> {
  /** The types that were handed in. */
  readonly types: readonly (keyof Types & string)[];
  /**
   * Opens the catalog of this type with the other fields as its options.
   *
   * Errors: `INVALID_ARGUMENT` for a type that was not handed in; those of the opener.
   */
  open<Type extends keyof Types & string>(
    config: { readonly type: Type } & Parameters<Types[Type]>[0],
  ): Promise<Awaited<ReturnType<Types[Type]>>>;
}

/**
 * Makes a factory of the catalogs that a program can open. The types are handed in, so that this package knows none of
 * them and a program carries only those that it names; there is no registry.
 *
 * ```ts
 * const catalogs = createCatalogFactory({ rest: openRestCatalog, sql: openSqlCatalog });
 * const catalog = await catalogs.open({ type: 'rest', uri: 'http://127.0.0.1:8181' });
 * ```
 *
 * Errors: `INVALID_ARGUMENT` if a type is no function.
 */
export function createCatalogFactory<const Types extends Readonly<Record<string, CatalogOpener>>>(
  types: Types,
): CatalogFactory<Types> {
  const openers = new Map<string, CatalogOpener>(Object.entries(types));
  for (const [type, open] of openers) {
    if (typeof open !== 'function') {
      throw new IcebergError('INVALID_ARGUMENT', `the catalog type "${type}" is no function that opens one`, {
        context: { type },
      });
    }
  }
  return {
    types: [...openers.keys()],
    async open<Type extends keyof Types & string>(
      config: { readonly type: Type } & Parameters<Types[Type]>[0],
    ): Promise<Awaited<ReturnType<Types[Type]>>> {
      const { type, ...options }: { readonly type: string } = config;
      const open = openers.get(type);
      if (open === undefined) {
        const known = [...openers.keys()].join(', ');
        throw new IcebergError(
          'INVALID_ARGUMENT',
          `there is no catalog type "${type}" here; there are ${known}`,
          {
            context: { type: String(type) },
          },
        );
      }
      return (await open(options as never)) as Awaited<ReturnType<Types[Type]>>;
    },
  };
}
