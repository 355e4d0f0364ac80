import { JsonFields, type Namespace, type NamespacePropertiesUpdate, saysMissing } from '@danube/iceberg';
import type { Caller } from './caller.ts';
import { type ErrorSubject, translating } from './error-mapping.ts';
import { allPages, readPage } from './pages.ts';
import { readNothing } from './reply-reading.ts';
import { type Seen, type Settling, settle } from './settle.ts';

/** The operations on namespaces. Errors are those of `Catalog`. */
export class NamespaceCalls {
  readonly #caller: Caller;
  readonly #settling: Settling;
  readonly #pageSize: string | undefined;

  constructor(caller: Caller, settling: Settling, pageSize: number | undefined) {
    this.#caller = caller;
    this.#settling = settling;
    this.#pageSize = pageSize === undefined ? undefined : String(pageSize);
  }

  async list(parent: Namespace = []): Promise<readonly Namespace[]> {
    const { urls } = this.#caller;
    const above = parent.length === 0 ? undefined : urls.parent(parent);
    return translating(subjectOf(parent), () =>
      allPages((pageToken) =>
        this.#caller.send({
          operation: 'listNamespaces',
          url: urls.namespaces({ parent: above, pageToken, pageSize: this.#pageSize }),
          read: (reply) => readPage(reply, 'namespaces', readNamespaces),
        }),
      ),
    );
  }

  async create(namespace: Namespace, properties: Readonly<Record<string, string>> = {}): Promise<void> {
    // Checks the name, which is in the body only.
    this.#caller.urls.namespace(namespace);
    const key = this.#caller.newKey();
    const request = {
      operation: 'createNamespace',
      url: this.#caller.urls.namespaces(),
      body: { namespace, properties },
      key,
      read: readNothing,
    } as const;
    await settle<undefined>(
      {
        subject: subjectOf(namespace),
        send: () => this.#caller.send(request),
        // A namespace does not say who made it.
        look: async () => ((await this.#isThere(namespace)) ? { kind: 'unclear' } : { kind: 'not-yet' }),
      },
      this.#settling,
    );
  }

  async properties(namespace: Namespace): Promise<Readonly<Record<string, string>>> {
    const url = this.#caller.urls.namespace(namespace);
    return translating(subjectOf(namespace), () =>
      this.#caller.send({
        operation: 'loadNamespace',
        url,
        read: ({ json }) => new JsonFields(json ?? null, 'reply for a namespace').stringMap('properties'),
      }),
    );
  }

  async update(
    namespace: Namespace,
    change: { readonly updates?: Readonly<Record<string, string>>; readonly removals?: readonly string[] },
  ): Promise<NamespacePropertiesUpdate> {
    const url = this.#caller.urls.namespace(namespace, 'properties');
    const { updates = {}, removals = [] } = change;
    return translating(subjectOf(namespace), () =>
      this.#caller.send({
        operation: 'updateNamespaceProperties',
        url,
        body: { updates, removals },
        key: this.#caller.newKey(),
        read: ({ json }) => {
          const fields = new JsonFields(json ?? null, 'reply for properties of a namespace');
          // The first two have to be there; servers in languages where an empty list is null leave them out.
          const keys = (key: string) => (fields.has(key) ? fields.stringArray(key) : []);
          return {
            updated: keys('updated'),
            removed: keys('removed'),
            missing: keys('missing'),
          };
        },
      }),
    );
  }

  async drop(namespace: Namespace): Promise<void> {
    const key = this.#caller.newKey();
    const url = this.#caller.urls.namespace(namespace);
    await settle<undefined>(
      {
        subject: subjectOf(namespace),
        send: () => this.#caller.send({ operation: 'dropNamespace', url, key, read: readNothing }),
        look: async (): Promise<Seen<undefined>> =>
          (await this.#isThere(namespace)) ? { kind: 'not-yet' } : { kind: 'happened', value: undefined },
      },
      this.#settling,
    );
  }

  /** By HEAD where the server offers it, else by a load. */
  async exists(namespace: Namespace): Promise<boolean> {
    const hasHead = this.#caller.config.offers('namespaceExists');
    return this.#isThere(namespace, hasHead ? 'namespaceExists' : 'loadNamespace');
  }

  /** By a load, unless told otherwise: no answer to HEAD says why it is what it is. */
  async #isThere(
    namespace: Namespace,
    operation: 'namespaceExists' | 'loadNamespace' = 'loadNamespace',
  ): Promise<boolean> {
    const url = this.#caller.urls.namespace(namespace);
    try {
      await translating(subjectOf(namespace), () => this.#caller.send({ operation, url, read: readNothing }));
      return true;
    } catch (error) {
      if (saysMissing(error)) return false;
      throw error;
    }
  }
}

function readNamespaces(fields: JsonFields): readonly Namespace[] {
  const levels = fields.raw('namespaces');
  if (!Array.isArray(levels)) throw fields.error('expected an array', 'namespaces');
  // Each is an array of text.
  return levels.map((_, index) =>
    new JsonFields({ [index]: levels[index] }, 'namespaces').stringArray(String(index)),
  );
}

function subjectOf(namespace: Namespace): ErrorSubject {
  const what = namespace.length === 0 ? 'the top namespaces' : `namespace ${namespace.join('.')}`;
  return { what, context: { namespace } };
}
