import { type ConnectOptions, connect, type DanubeClient } from '@danube/client';
import {
  consumerService,
  discoveryService,
  healthCheckService,
  producerService,
  type ReceiveRequest,
  type StreamMessage,
} from '@danube/client/protocol';
import {
  Client,
  credentials,
  type MethodDefinition,
  makeGenericClientConstructor,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { type Broker, type BrokerComponents, startBroker } from '../../src/broker.ts';
import { parseConfig } from '../../src/config/config-file.ts';
import { resolveConfig } from '../../src/config/resolve-config.ts';
import { silentLogger } from '../../src/log.ts';
import { onCleanUp } from './clean-up.ts';

/** A broker in this process on free ports, stopped after the test. */
export async function startTestBroker(
  dataDir: string,
  config: object = {},
  components: Partial<BrokerComponents> = {},
): Promise<Broker> {
  const settings = resolveConfig(
    parseConfig(config),
    { dataDir, brokerAddr: '127.0.0.1:0', promExporter: '127.0.0.1:0' },
    { baseDir: dataDir },
  );
  const broker = await startBroker(settings, { logger: silentLogger(), ...components });
  onCleanUp(() => broker.stop());
  return broker;
}

/** A client of the broker, closed after the test. */
export function clientOf(broker: Pick<Broker, 'url'>, options: Partial<ConnectOptions> = {}): DanubeClient {
  const client = connect({ serviceUrl: broker.url, ...options });
  onCleanUp(() => client.close());
  return client;
}

type Unary<Service> = {
  [Name in keyof Service]: Service[Name] extends MethodDefinition<infer Request, infer Response>
    ? (request: Request) => Promise<Response>
    : never;
};

/** A bare message stream. */
export interface RawStream {
  readonly messages: readonly StreamMessage[];
  readonly offsets: readonly number[];
  readonly headers: Promise<void>;
  readonly ended: Promise<StatusObject>;
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** The bare protocol, for requests no client would send. Rejects with gRPC's ServiceError. */
export function rawClient(broker: Pick<Broker, 'address'>) {
  const address = `${broker.address.host}:${broker.address.port}`;
  const stub = <Service extends Record<string, MethodDefinition<never, never>>>(
    service: Service,
  ): Unary<Service> => {
    const Constructor = makeGenericClientConstructor(service as never, 'danube');
    const client = new Constructor(address, credentials.createInsecure(), {
      'grpc.max_send_message_length': -1,
    });
    onCleanUp(() => client.close());
    const methods = Object.keys(service).map((name) => [
      name,
      (request: unknown) =>
        new Promise((resolve, reject) => {
          (
            client[name] as unknown as (
              request: unknown,
              done: (error: ServiceError | null, reply: unknown) => void,
            ) => void
          ).call(client, request, (error, reply) => (error ? reject(error) : resolve(reply)));
        }),
    ]);
    return Object.fromEntries(methods) as Unary<Service>;
  };
  const receive = (request: ReceiveRequest): RawStream => {
    const client = new Client(address, credentials.createInsecure());
    onCleanUp(() => client.close());
    const { path, requestSerialize, responseDeserialize } = consumerService.receiveMessages;
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    const messages: StreamMessage[] = [];
    call.on('data', (message: StreamMessage) => messages.push(message));
    call.on('error', () => {}); // The status says the same.
    return {
      messages,
      get offsets() {
        return messages.map((message) => Number(message.msgId?.topicOffset));
      },
      headers: new Promise((resolve) => call.on('metadata', () => resolve())),
      ended: new Promise((resolve) => call.on('status', resolve)),
      pause: () => void call.pause(),
      resume: () => void call.resume(),
      cancel: () => call.cancel(),
    };
  };
  return {
    receive,
    discovery: stub(discoveryService as never) as Unary<typeof discoveryService>,
    health: stub(healthCheckService as never) as Unary<typeof healthCheckService>,
    producer: stub(producerService as never) as Unary<typeof producerService>,
    consumer: stub(consumerService as never) as Unary<typeof consumerService>,
  };
}
