import { createMemoryFileIO } from '@danube/iceberg/testing';
import { openRestCatalog, type RestCatalog, type RestCatalogOptions } from '../../src/index.ts';
import { type MemoryServerOptions, startMemoryRestServer } from './memory-rest-server.ts';
import { type Answer, startScriptedServer } from './scripted-server.ts';

/** Retries without a wait worth the name. */
export const quick = { retry: { initialDelayMs: 1, maxDelayMs: 2 }, timeoutMs: 5000 } as const;

export const orders = { namespace: ['shop'], name: 'orders' } as const;
export const invoices = { namespace: ['shop'], name: 'invoices' } as const;
export const schema = { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] } as const;

/** A catalog whose server answers as the test says. */
export async function scripted(
  answer: Answer,
  options: Partial<RestCatalogOptions> = {},
  config?: object | Answer,
) {
  const server = await startScriptedServer(answer, config);
  const catalog = await openRestCatalog({ uri: server.uri, resilience: quick, ...options });
  return together(server, catalog);
}

/** A catalog whose server works, with a namespace `shop`; hooks come into force afterwards. */
export async function working(
  hooks: Omit<MemoryServerOptions, 'io'> = {},
  options: Partial<RestCatalogOptions> = {},
) {
  const io = createMemoryFileIO();
  let isPrepared = false;
  const { before, after, ...rest } = hooks;
  const server = await startMemoryRestServer({
    io,
    ...rest,
    before: async (...args) => isPrepared && ((await before?.(...args)) ?? false),
    after: async (...args) => isPrepared && ((await after?.(...args)) ?? false),
  });
  const catalog = await openRestCatalog({ uri: server.uri, resilience: quick, ...options });
  await server.catalog.createNamespace(['shop']);
  isPrepared = true;
  return { io, ...together(server, catalog) };
}

function together<S extends AsyncDisposable>(server: S, catalog: RestCatalog) {
  const dispose = async (): Promise<void> => {
    await catalog.close();
    await server[Symbol.asyncDispose]();
  };
  return { server, catalog, [Symbol.asyncDispose]: dispose };
}

/** The code a call fails with, or what it resolves with. */
export async function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => value ?? 'done',
    (error: unknown) => (error as { readonly code?: string }).code ?? error,
  );
}
