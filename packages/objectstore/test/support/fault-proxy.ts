import { type AddressInfo, createServer, type Socket } from 'node:net';
import { serveConnection } from './fault-connection.ts';
import { FaultRules, type ProxiedRequest, type Rule } from './fault-rules.ts';

export {
  answerError,
  type Fault,
  internalError,
  type ProxiedRequest,
  type Reply,
  type Rule,
  slowDown,
} from './fault-rules.ts';

/** A proxy between an HTTP/1.1 client and a server that makes single requests fail in a chosen way. */
export interface FaultProxy {
  /** `http://127.0.0.1:PORT`: give it to the client. The `Host` header, which S3 clients sign, is passed as it comes. */
  readonly endpoint: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly ProxiedRequest[];
  /** Adds a rule. Of two that match a request the one added first wins. Throws if the name is taken. */
  rule(name: string, rule: Rule): void;
  /** How often a rule's fault took effect. A test asserts it: a fault that did not happen proves nothing. */
  fired(name: string): number;
  /** How many requests were made, of all or of those with this method. */
  count(method?: string): number;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

/**
 * Opens a proxy in front of `target`, such as `http://127.0.0.1:7070`. A client's connection is kept alive as client
 * and server agree; towards the server each request has a connection of its own, which ends when
 * the client gives up. Without rules no byte is changed.
 */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const rules = new FaultRules();
  const clients = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    // Clients that go away are what we are here for; the reader notices.
    client.on('error', () => {});
    void serveConnection(client, { host: hostname, port: Number(port) }, rules);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: rules.requests,
    rule: (name, rule) => rules.add(name, rule),
    fired: (name) => rules.fired(name),
    count: (method) =>
      rules.requests.filter((request) => (method ?? request.method) === request.method).length,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}
