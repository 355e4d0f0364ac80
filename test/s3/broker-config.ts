// A broker whose tables are in a bucket of an S3 server.
import { writeFile } from 'node:fs/promises';
import type { S3Server } from '../../packages/objectstore/test/support/s3-servers.ts';

/** The bucket of the tables. */
export const BUCKET = 'danube-warehouse';

/** Keys below `iceberg_config`: tables in the bucket of a server, reached at `endpoint`. */
export const tablesOn = (server: S3Server, endpoint = server.endpoint) => [
  'object_store:',
  '  type: s3',
  `  endpoint: ${endpoint}`,
  `  region: ${server.region}`,
  `  access_key_id: ${server.accessKeyId}`,
  `  secret_access_key: ${server.secretAccessKey}`,
  `warehouse: s3://${BUCKET}/`,
];

/** How the readers of the tables reach the same server. */
export const judgeOf = (server: S3Server) => ({
  endpoint: server.endpoint,
  environment: {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: server.region,
  },
});

/** Writes a configuration file with these lines below `iceberg_config`. */
export async function writeConfig(file: string, lines: readonly string[]): Promise<string> {
  const below = lines.map((line) => `    ${line}`);
  await writeFile(file, ['storage:', '  iceberg_config:', ...below, ''].join('\n'));
  return file;
}
