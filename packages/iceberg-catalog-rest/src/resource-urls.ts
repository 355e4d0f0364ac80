import {
  checkNamespace,
  checkTableIdentifier,
  IcebergError,
  type Namespace,
  type TableIdentifier,
} from '@danube/iceberg';
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

  namespaces(query: Readonly<Record<string, string | undefined>> = {}): URL {
    return this.#url('namespaces', query);
  }

  /** `INVALID_ARGUMENT` for a namespace without levels or with an empty one; `below` as in `properties`. */
  namespace(
    namespace: Namespace,
    below?: string,
    query: Readonly<Record<string, string | undefined>> = {},
  ): URL {
    const path = `namespaces/${this.#levels(namespace)}`;
    return this.#url(below === undefined ? path : `${path}/${below}`, query);
  }

  /** `INVALID_ARGUMENT` for an empty name. */
  table(
    identifier: TableIdentifier,
    below?: string,
    query: Readonly<Record<string, string | undefined>> = {},
  ): URL {
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
    const path = namespace.map(encoded).join(this.#separator);
    return segment(path, namespace.join('.'));
  }

  #url(path: string, query: Readonly<Record<string, string | undefined>>): URL {
    const url = new URL(`${this.#base}/${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    // A space, which some servers read as a plus when it is written as one, and then find another signature.
    url.search = url.search.replaceAll('+', '%20');
    return url;
  }
}

function encoded(name: string): string {
  if (name.isWellFormed()) return encodeURIComponent(name);
  throw new IcebergError('INVALID_ARGUMENT', `${JSON.stringify(name)} has half a character`, {
    context: { name },
  });
}

/** In URLs these two mean "here" and "up", however they are encoded. */
function segment(path: string, name: string): string {
  if (!/^(\.|%2e){1,2}$/i.test(path)) return path;
  throw new IcebergError('INVALID_ARGUMENT', `${JSON.stringify(name)} cannot be part of a URL`, {
    context: { name },
  });
}
