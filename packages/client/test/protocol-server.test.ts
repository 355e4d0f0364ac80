import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import type { ConsumerHandlers, MessageResponse, ProducerHandlers, StreamMessage } from '../src/protocol.ts';
import {
  AckResponseSchema,
  ConsumerResponseSchema,
  consumerService,
  create,
  MessageResponseSchema,
  NackResponseSchema,
  ProducerResponseSchema,
  producerService,
  ReceiveRequestSchema,
  StreamMessageSchema,
} from '../src/protocol.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

test('typed handlers serve the wire paths, and a stored message comes back byte for byte on the stream', async () => {
  const stored: StreamMessage[] = [];
  const producer: ProducerHandlers = {
    createProducer: (call, callback) =>
      callback(null, create(ProducerResponseSchema, { requestId: call.request.requestId, producerId: 7n })),
    sendMessage: (call, callback) => {
      stored.push(call.request);
      callback(null, create(MessageResponseSchema, { requestId: call.request.requestId }));
    },
  };
  const consumer: ConsumerHandlers = {
    subscribe: (_call, callback) => callback(null, create(ConsumerResponseSchema, { consumerId: 1n })),
    receiveMessages: (call) => {
      for (const message of stored) call.write(message);
      call.end();
    },
    ack: (_call, callback) => callback(null, create(AckResponseSchema)),
    nack: (_call, callback) => callback(null, create(NackResponseSchema)),
  };
  const server = new Server();
  server.addService(producerService, producer);
  server.addService(consumerService, consumer);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closing.push(
    () => client.close(),
    () => server.forceShutdown(),
  );

  const message = create(StreamMessageSchema, {
    requestId: 2n ** 64n - 1n,
    msgId: { producerId: 7n, topicName: '/default/orders', brokerAddr: 'http://127.0.0.1:6650' },
    payload: new Uint8Array([0, 1, 255]),
    publishTime: 1_700_000_000_000n,
    producerName: 'p',
    attributes: { a: '1' },
    routingKey: '',
  });
  const send = producerService.sendMessage;
  const answer = await new Promise<MessageResponse>((resolve, reject) => {
    client.makeUnaryRequest(
      '/danube.ProducerService/SendMessage',
      send.requestSerialize,
      send.responseDeserialize,
      message,
      (error, response) => (error === null && response !== undefined ? resolve(response) : reject(error)),
    );
  });
  expect(answer.requestId).toBe(2n ** 64n - 1n);

  const receive = consumerService.receiveMessages;
  const received: StreamMessage[] = [];
  for await (const item of client.makeServerStreamRequest(
    '/danube.ConsumerService/ReceiveMessages',
    receive.requestSerialize,
    receive.responseDeserialize,
    create(ReceiveRequestSchema),
  )) {
    received.push(item as StreamMessage);
  }
  expect(received).toHaveLength(1);
  expect(send.requestSerialize(received[0]!)).toEqual(send.requestSerialize(message));
  expect(received[0]!.routingKey).toBe('');
  expect(received[0]!.schemaId).toBeUndefined();
});
