// Starts the servers, says their process ids and waits to be killed.
import { startMoto, startVersitygw } from '../support/s3-servers.ts';

const servers = await Promise.all([startVersitygw({ dir: process.argv[2] ?? '' }), startMoto()]);
process.stdout.write(`${servers.map(({ pid }) => pid).join(' ')}\n`);
