import { ClientError, connect } from '@danube/client';

// At most once: a payment order must not be stored twice by a retry that nobody asked for.
const client = connect({
  serviceUrl: process.argv[2] ?? 'http://127.0.0.1:6650',
  onEvent: (event) => console.error(event.kind, event.role, event.topic),
});
const producer = await client.createProducer({
  topic: '/default/payments',
  name: 'bank-1',
  dispatch: 'reliable',
  retryUnknown: false,
});

try {
  await producer.send(Buffer.from('pay 10 EUR'), { signal: AbortSignal.timeout(5_000) });
  console.log('stored');
} catch (error) {
  if (!ClientError.is(error)) throw error;
  if (error.outcome === 'unknown') console.log('stored or not: look it up before sending it again');
  else if (error.retryable) console.log('certainly not stored, try again later:', error.code);
  else console.log('certainly not stored:', error.message);
}

await client.close();
