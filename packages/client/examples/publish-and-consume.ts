import { connect } from '@danube/client';

const client = connect({ serviceUrl: process.argv[2] ?? 'http://127.0.0.1:6650' });

const producer = await client.createProducer({
  topic: '/default/orders',
  name: 'shop-1',
  dispatch: 'reliable',
});
// A new subscription starts behind the newest message: subscribe first.
const consumer = await client.subscribe({
  topic: '/default/orders',
  subscription: 'billing',
  consumerName: 'billing-1',
});

for (let order = 1; order <= 3; order += 1) {
  await producer.send(Buffer.from(`order ${order}`), { attributes: { region: 'eu' } });
}

let seen = 0;
for await (const message of consumer) {
  console.log(message.offset, Buffer.from(message.payload).toString(), message.attributes.get('region'));
  await consumer.ack(message);
  seen += 1;
  if (seen === 3) break;
}

await client.close();
