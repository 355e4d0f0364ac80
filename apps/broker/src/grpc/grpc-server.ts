import { createServer } from 'node:net';
import {
  consumerService,
  discoveryService,
  healthCheckService,
  producerService,
} from '@danube/client/protocol';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { formatAddress } from '../config/address.ts';
import type { Address } from '../config/settings.ts';
import { listenError } from '../http/http-server.ts';
import type { Services } from './services.ts';

/** A listening gRPC server. */
export interface GrpcServer {
  /** The address with the real port. */
  readonly address: Address;
  /** Lets calls under way finish for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Listens for Danube clients. A received message may be twice the payload limit, so that one that is too large
 * still gets a sentence; beyond that the transport refuses it (RESOURCE_EXHAUSTED).
 *
 * @throws BrokerError `ADDRESS_IN_USE`, `CONFIG_INVALID`
 */
export async function startGrpcServer(
  address: Address,
  services: Services,
  maxMessageSizeBytes: number,
): Promise<GrpcServer> {
  await probe(address);
  const server = new Server({
    'grpc.max_receive_message_length': 2 * maxMessageSizeBytes + 1024 * 1024,
    'grpc.max_send_message_length': -1,
    // Consumers with nothing to receive keep their connection; a dead peer is noticed within about a minute.
    'grpc.keepalive_time_ms': 40_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  server.addService(discoveryService, { ...services.discovery });
  server.addService(healthCheckService, { ...services.healthCheck });
  server.addService(producerService, { ...services.producer });
  server.addService(consumerService, { ...services.consumer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(formatAddress(address), ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(listenError(error, address, '--broker-addr')) : resolve(bound),
    );
  });
  return {
    address: { host: address.host, port },
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/** grpc-js reports a taken port without an error code; a plain listener tells. */
async function probe(address: Address): Promise<void> {
  if (address.port === 0) return;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, address, '--broker-addr')));
    server.listen(address.port, address.host, () => server.close(() => resolve()));
  });
}
