// A bare gRPC server: SendMessage answers at once and stores nothing. Prints its port.
import { type HandlersOf, producerService } from '@danube/client/protocol';
import { Server, ServerCredentials } from '@grpc/grpc-js';

const handlers: HandlersOf<typeof producerService> = {
  createProducer: (call, reply) =>
    reply(null, {
      $typeName: 'danube.ProducerResponse',
      requestId: call.request.requestId,
      producerId: 1n,
      producerName: call.request.producerName,
    }),
  sendMessage: (call, reply) =>
    reply(null, { $typeName: 'danube.MessageResponse', requestId: call.request.requestId }),
};

const server = new Server();
server.addService(producerService, handlers);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
process.on('SIGTERM', () => process.exit(0));
