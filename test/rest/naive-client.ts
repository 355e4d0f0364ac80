import {
  type CommitRequest,
  type CreateTableOptions,
  IcebergError,
  type IcebergErrorCode,
  type JsonObject,
  type LoadedTable,
  type Namespace,
  parseJson,
  stringifyJson,
  type TableIdentifier,
  tableMetadataFromJson,
  tableRequirementToJson,
  tableUpdateToJson,
} from '../../packages/iceberg/src/index.ts';
import type { TableCalls } from './operations.ts';

/** How a request came to nothing. */
export type Trouble =
  | { readonly kind: 'lost' }
  | { readonly kind: 'timeout' }
  /** Success, and no JSON. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'refused'; readonly status: number };

/** How a client treats what goes wrong. */
export interface Manners {
  /** Whether the same request is sent again, at most twice more. */
  readonly again: (trouble: Trouble) => boolean;
  /** What the caller is told. */
  readonly code: (trouble: Trouble) => IcebergErrorCode;
  /** Whether a success is believed whatever its body is. */
  readonly believes?: boolean;
}

/** A small client of the REST protocol that makes the mistakes it is told to, so that tests can show that they notice. */
export class NaiveClient implements TableCalls {
  readonly #uri: string;
  readonly #timeoutMs: number;
  readonly #manners: Manners;

  constructor(uri: string, timeoutMs: number, manners: Manners) {
    this.#uri = uri;
    this.#timeoutMs = timeoutMs;
    this.#manners = manners;
  }

  async createTable({ namespace, name }: TableIdentifier, { schema }: CreateTableOptions) {
    const body = { name, schema: { type: 'struct', 'schema-id': 0, ...schema } };
    return this.#table({ namespace, name }, await this.#send('POST', `${tablesOf(namespace)}`, body));
  }

  async loadTable(identifier: TableIdentifier) {
    return this.#table(identifier, await this.#send('GET', pathOf(identifier)));
  }

  async listTables(namespace: Namespace) {
    const { identifiers } = (await this.#send('GET', tablesOf(namespace))) as { identifiers?: unknown };
    return identifiers as readonly TableIdentifier[];
  }

  async dropTable(identifier: TableIdentifier) {
    await this.#send('DELETE', pathOf(identifier));
  }

  async renameTable(source: TableIdentifier, destination: TableIdentifier) {
    await this.#send('POST', 'tables/rename', { source, destination });
  }

  async commitTable(identifier: TableIdentifier, { requirements, updates }: CommitRequest) {
    const body = {
      requirements: requirements.map(tableRequirementToJson),
      updates: updates.map((update) => tableUpdateToJson(update)),
    };
    return this.#table(identifier, await this.#send('POST', pathOf(identifier), body));
  }

  async close() {}

  async #send(method: string, path: string, body?: object): Promise<JsonObject> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#attempt(method, path, body);
      if ('json' in answer) return answer.json;
      const { trouble } = answer;
      if (attempt < 3 && this.#manners.again(trouble)) continue;
      throw new IcebergError(this.#manners.code(trouble), JSON.stringify(trouble));
    }
  }

  async #attempt(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ json: JsonObject } | { trouble: Trouble }> {
    try {
      const response = await fetch(`${this.#uri}/v1/${path}`, {
        method,
        headers: { 'Content-Type': 'application/json' },
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body === undefined ? {} : { body: stringifyJson(body) }),
      });
      if (!response.ok) return { trouble: { kind: 'refused', status: response.status } };
      const text = await response.text();
      try {
        return { json: (text === '' ? {} : parseJson(text)) as JsonObject };
      } catch {
        return this.#manners.believes ? { json: {} } : { trouble: { kind: 'unreadable' } };
      }
    } catch (error) {
      return { trouble: { kind: (error as Error).name === 'TimeoutError' ? 'timeout' : 'lost' } };
    }
  }

  #table(identifier: TableIdentifier, json: JsonObject): LoadedTable {
    const metadata = json['metadata'] === undefined ? {} : tableMetadataFromJson(json['metadata']);
    return { identifier, metadataLocation: String(json['metadata-location']), metadata } as LoadedTable;
  }
}

const tablesOf = (namespace: Namespace): string => `namespaces/${namespace.join('.')}/tables`;
const pathOf = ({ namespace, name }: TableIdentifier): string => `${tablesOf(namespace)}/${name}`;
