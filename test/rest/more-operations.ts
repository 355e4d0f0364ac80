import type { RestCatalog } from '../../packages/iceberg-catalog-rest/src/index.ts';
import { restAsk, restCall } from '../../packages/iceberg-catalog-rest/test/support/rest-call.ts';
import {
  always,
  hasAppend,
  isSameTable,
  named,
  newTableWithAppend,
  type Operation,
  onServer,
  schema,
} from './operations.ts';

const createNamespace: Operation<RestCatalog> = {
  name: 'create a namespace',
  method: 'POST',
  path: /\/namespaces$/,
  prepare: async ({ uri, namespace }) => ({
    call: (catalog) => catalog.createNamespace([`${namespace}-new`], { owner: 'us' }),
    happened: async () => (await restCall(uri, 'GET', `namespaces/${namespace}-new`)).status === 200,
    isRight: always,
  }),
};

const dropNamespace: Operation<RestCatalog> = {
  name: 'drop a namespace',
  method: 'DELETE',
  path: /\/namespaces\/[^/]+$/,
  prepare: async ({ uri, namespace }) => ({
    call: (catalog) => catalog.dropNamespace([namespace]),
    happened: async () => (await restCall(uri, 'GET', `namespaces/${namespace}`)).status === 404,
    isRight: always,
  }),
};

const setNamespaceProperties: Operation<RestCatalog> = {
  name: 'set properties of a namespace',
  method: 'POST',
  path: /\/properties$/,
  prepare: async ({ uri, namespace }) => ({
    call: (catalog) => catalog.updateNamespaceProperties([namespace], { updates: { owner: 'us' } }),
    happened: async () => {
      const path = `namespaces/${namespace}`;
      const { properties } = await restAsk<{ properties: object }>(uri, 'GET', path);
      return 'owner' in properties;
    },
    isRight: async (result) => JSON.stringify(result) === '{"updated":["owner"],"removed":[],"missing":[]}',
  }),
};

const register: Operation<RestCatalog> = {
  name: 'register',
  method: 'POST',
  path: /\/register$/,
  async prepare(place) {
    await place.direct.createTable(named(place, 't'), { schema });
    const { 'metadata-location': location } = (await onServer(place, 't'))!;
    await restAsk(place.uri, 'DELETE', `namespaces/${place.namespace}/tables/t`);
    return {
      call: (catalog) => catalog.registerTable(named(place, 't'), location),
      happened: async () => (await onServer(place, 't')) !== undefined,
      isRight: (result) => isSameTable(place, result, 't'),
    };
  },
};

const commitTwo: Operation<RestCatalog> = {
  name: 'commit of two tables',
  method: 'POST',
  path: /\/transactions\/commit$/,
  async prepare(place) {
    const names = ['t', 'u'];
    const changes = await Promise.all(
      names.map(async (name) => ({
        identifier: named(place, name),
        ...(await newTableWithAppend(place, name)),
      })),
    );
    return {
      call: (catalog) => catalog.commitTransaction(changes),
      happened: async () => {
        const [first, second] = await Promise.all(names.map((name) => hasAppend(place, name)));
        if (first !== second) throw new Error('the server has half of the transaction');
        return first;
      },
      isRight: always,
    };
  },
};

/** Changes beside those of `operations.ts`. */
export const moreChanges: readonly Operation<RestCatalog>[] = [
  createNamespace,
  dropNamespace,
  setNamespaceProperties,
  register,
  commitTwo,
];
