import {
  type Catalog,
  type CommitRequest,
  type FileIO,
  type LoadedTable,
  prepareAppend,
  type TableIdentifier,
} from '../../packages/iceberg/src/index.ts';
import { restAsk, restCall } from '../../packages/iceberg-catalog-rest/test/support/rest-call.ts';

/** What a cell of the fault table calls; a client that is planted may have no more than this. */
export type TableCalls = Pick<
  Catalog,
  'createTable' | 'commitTable' | 'dropTable' | 'renameTable' | 'loadTable' | 'listTables'
>;

/** A namespace of its own on a server that is asked directly. */
export interface Place {
  /** Of the catalog itself, with nothing between. */
  readonly uri: string;
  readonly namespace: string;
  readonly io: FileIO;
  /** A client that no fault reaches, to prepare with. */
  readonly direct: Pick<Catalog, 'createTable' | 'loadTable'>;
}

/** An operation that is ready to be called once. */
export interface Prepared<C> {
  call(catalog: C): Promise<unknown>;
  /** Asks the server whether it has done it. Reading does nothing: undefined. */
  happened(): Promise<boolean | undefined>;
  /** Whether what the call resolved with is what the server has. */
  isRight(result: unknown): Promise<boolean>;
}

/** One kind of call of a client, and the request that it is made of. */
export interface Operation<C = TableCalls> {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  prepare(place: Place): Promise<Prepared<C>>;
}

export interface ServerTable {
  readonly 'metadata-location': string;
  readonly metadata: {
    readonly 'table-uuid': string;
    readonly 'current-schema-id': number;
    readonly properties: Readonly<Record<string, string>>;
    readonly snapshots?: readonly unknown[];
  };
}

export const schema = { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] } as const;
export const always = async () => true;

export function named({ namespace }: Place, name: string): TableIdentifier {
  return { namespace: [namespace], name };
}

/** The table as the server has it, or undefined. */
export async function onServer({ uri, namespace }: Place, name: string): Promise<ServerTable | undefined> {
  const path = `namespaces/${namespace}/tables/${name}`;
  const { status, body } = await restCall<ServerTable>(uri, 'GET', path);
  if (status === 404) return undefined;
  if (status === 200) return body;
  throw new Error(`the server itself answered ${status} to GET ${path}`);
}

export async function isSameTable(place: Place, result: unknown, name: string): Promise<boolean> {
  const there = await onServer(place, name);
  return there !== undefined && (result as LoadedTable).metadata.tableUuid === there.metadata['table-uuid'];
}

const create: Operation = {
  name: 'create',
  method: 'POST',
  path: /\/tables$/,
  prepare: async (place) => ({
    call: (catalog) => catalog.createTable(named(place, 't'), { schema }),
    happened: async () => (await onServer(place, 't')) !== undefined,
    isRight: (result) => isSameTable(place, result, 't'),
  }),
};

/** Makes a table, and a request that appends to it. */
export async function newTableWithAppend(place: Place, name: string): Promise<CommitRequest> {
  const base = await place.direct.createTable(named(place, name), { schema });
  const setProperties = { marker: place.namespace };
  return (await prepareAppend({ base, io: place.io, dataFiles: [], setProperties })).request;
}

/** Whether the request was carried out, once. */
export async function hasAppend(place: Place, name: string): Promise<boolean> {
  const { properties, snapshots } = (await onServer(place, name))!.metadata;
  return properties['marker'] === place.namespace && snapshots?.length === 1;
}

/** An append: made twice it would be refused, as its second sending is no more on the state that it asserts. */
const commit: Operation = {
  name: 'commit',
  method: 'POST',
  path: /\/tables\/t$/,
  async prepare(place) {
    const request = await newTableWithAppend(place, 't');
    return {
      call: (catalog) => catalog.commitTable(named(place, 't'), request),
      happened: () => hasAppend(place, 't'),
      isRight: async (result) => {
        const { properties, snapshots } = (result as LoadedTable).metadata;
        return properties['marker'] === place.namespace && snapshots.length === 1;
      },
    };
  },
};

/** A change that leaves no snapshot to look for, and is refused when it is made twice. */
const commitSchema: Operation = {
  name: 'commit of a schema',
  method: 'POST',
  path: /\/tables\/t$/,
  async prepare(place) {
    const { metadata } = await place.direct.createTable(named(place, 't'), { schema });
    const fields = [...metadata.schemas[0]!.fields, { id: 2, name: 'note', required: false, type: 'string' }];
    const request = {
      requirements: [
        { type: 'assert-table-uuid', uuid: metadata.tableUuid },
        { type: 'assert-current-schema-id', currentSchemaId: 0 },
      ],
      updates: [
        { action: 'add-schema', schema: { schemaId: 1, fields } },
        { action: 'set-current-schema', schemaId: -1 },
      ],
    } as CommitRequest;
    return {
      call: (catalog) => catalog.commitTable(named(place, 't'), request),
      happened: async () => (await onServer(place, 't'))!.metadata['current-schema-id'] === 1,
      isRight: async (result) => (result as LoadedTable).metadata.currentSchemaId === 1,
    };
  },
};

const drop: Operation = {
  name: 'drop',
  method: 'DELETE',
  path: /\/tables\/t$/,
  async prepare(place) {
    await place.direct.createTable(named(place, 't'), { schema });
    return {
      call: (catalog) => catalog.dropTable(named(place, 't')),
      happened: async () => (await onServer(place, 't')) === undefined,
      isRight: always,
    };
  },
};

const rename: Operation = {
  name: 'rename',
  method: 'POST',
  path: /\/tables\/rename$/,
  async prepare(place) {
    await place.direct.createTable(named(place, 't'), { schema });
    return {
      call: (catalog) => catalog.renameTable(named(place, 't'), named(place, 'u')),
      happened: async () => {
        const [from, to] = [await onServer(place, 't'), await onServer(place, 'u')];
        if ((from === undefined) === (to === undefined)) throw new Error('the server has neither or both');
        return to !== undefined;
      },
      isRight: always,
    };
  },
};

const load: Operation = {
  name: 'load',
  method: 'GET',
  path: /\/tables\/t$/,
  async prepare(place) {
    await place.direct.createTable(named(place, 't'), { schema });
    return {
      call: (catalog) => catalog.loadTable(named(place, 't')),
      happened: async () => undefined,
      isRight: (result) => isSameTable(place, result, 't'),
    };
  },
};

const list: Operation = {
  name: 'list',
  method: 'GET',
  path: /\/tables$/,
  async prepare(place) {
    await place.direct.createTable(named(place, 't'), { schema });
    return {
      call: (catalog) => catalog.listTables([place.namespace]),
      happened: async () => undefined,
      isRight: async (result) => JSON.stringify(result) === JSON.stringify([named(place, 't')]),
    };
  },
};

/** Calls that change something. */
export const changes: readonly Operation[] = [create, commit, commitSchema, drop, rename];
export const reads: readonly Operation[] = [load, list];

/** Makes the namespace. */
export async function makePlace(place: Place): Promise<void> {
  await restAsk(place.uri, 'POST', 'namespaces', { namespace: [place.namespace] });
}
