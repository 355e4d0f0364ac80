import {
  checkNamespace,
  checkTableIdentifier,
  IcebergError,
  type Namespace,
  type TableIdentifier,
} from '@danube/iceberg';
import { isDotSegment } from './base-uri.ts';
import type { ServerConfig } from './server-config.ts';

/** Where the resources of a catalog are. */
export class ResourceUrls {
  readonly #base: string;
  readonly #separator: string;

  constructor({
    uri,
    prefix,
    namespaceSeparator,
  }: Pick<ServerConfig, 'uri' | 'prefix' | 'namespaceSeparator'>) {
    this.#base = prefix === '' ? `${uri}/v1` : `${uri}/v1/${prefix}`;
    this.#separator = namespaceSeparator;
  }

  namespaces(query: Query = {}): URL {
    return this.#url('namespaces', query);
  }

  /** `INVALID_ARGUMENT` for a namespace that cannot be part of a URL; `below` as in `properties`. */
  namespace(namespace: Namespace, below?: string, query: Query = {}): URL {
    const path = `namespaces/${this.#levels(namespace)}`;
    return this.#url(below === undefined ? path : `${path}/${below}`, query);
  }

  /** `INVALID_ARGUMENT` for an empty name. */
  table(identifier: TableIdentifier, below?: string, query: Query = {}): URL {
    checkTableIdentifier(identifier);
    const table = `tables/${segment(encoded(identifier.name), identifier.name)}`;
    return this.namespace(identifier.namespace, below === undefined ? table : `${table}/${below}`, query);
  }

  /** `tables/rename`, `transactions/commit`. */
  action(path: string): URL {
    return this.#url(path, {});
  }

  /** A namespace as the value of a query parameter, not yet encoded. */
  parent(namespace: Namespace): string {
    checkNamespace(namespace);
    return namespace.join(decodeURIComponent(this.#separator));
  }

  #levels(namespace: Namespace): string {
    checkNamespace(namespace);
    const levels = namespace.map(encoded);
    if (levels.some((level) => level.toLowerCase().includes(this.#separator.toLowerCase()))) {
      const message = `a level of ${JSON.stringify(namespace)} holds what separates levels on this server`;
      throw new IcebergError('INVALID_ARGUMENT', message, { context: { namespace } });
    }
    return segment(levels.join(this.#separator), namespace.join('.'));
  }

  #url(path: string, query: Query): URL {
    return urlOf(`${this.#base}/${path}`, query);
  }
}

/** Where a server has its configuration. */
export function configUrl(uri: string, warehouse: string | undefined): URL {
  return urlOf(`${uri}/v1/config`, { warehouse });
}

type Query = Readonly<Record<string, string | undefined>>;

function urlOf(base: string, query: Query): URL {
  const url = new URL(base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  // A space, which some servers read as a plus when it is written as one, and then find another signature.
  url.search = url.search.replaceAll('+', '%20');
  return url;
}

function encoded(name: string): string {
  if (name.isWellFormed()) return encodeURIComponent(name);
  throw new IcebergError('INVALID_ARGUMENT', `${JSON.stringify(name)} has half a character`, {
    context: { name },
  });
}

function segment(path: string, name: string): string {
  if (!isDotSegment(path)) return path;
  throw new IcebergError('INVALID_ARGUMENT', `${JSON.stringify(name)} cannot be part of a URL`, {
    context: { name },
  });
}
