import { parseArgs } from 'node:util';

/** What to verify. */
export interface CloudArguments {
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly prefix: string | undefined;
  readonly serverKeepsPaths: boolean;
  /** Only the promises in whose name all of these occur. */
  readonly words: readonly string[];
}

export const usage = `npm run verify:cloud -- s3 --bucket NAME [OPTIONS] [WORDS]

Runs the conformance suite of @danube/objectstore against a bucket of yours, in some minutes and a few thousand requests.
Everything is put below a fresh prefix and removed afterwards. Credentials are those that the AWS SDK finds.

  --bucket NAME          the bucket; it must exist
  --region REGION        default: what the SDK finds
  --endpoint URL         a server that is not AWS
  --path-style           the bucket goes into the path, as MinIO and others need it
  --prefix PREFIX        put the fresh prefix below this one
  --server-keeps-paths   the server keeps objects as files, so that a and a/b cannot both be objects
  WORDS                  only the promises in whose name they occur`;

/** The arguments of the command line, or a sentence on what is wrong with them. */
export function cloudArguments(args: readonly string[]): CloudArguments | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        bucket: { type: 'string' },
        region: { type: 'string' },
        endpoint: { type: 'string' },
        'path-style': { type: 'boolean', default: false },
        prefix: { type: 'string' },
        'server-keeps-paths': { type: 'boolean', default: false },
      },
    });
    const [provider, ...words] = positionals;
    if (provider !== 's3')
      return `What is to be verified? Known is s3${provider ? `, not ${provider}` : ''}.`;
    if (!values.bucket) return 'Which bucket? Say --bucket NAME.';
    return {
      bucket: values.bucket,
      region: values.region,
      endpoint: values.endpoint,
      pathStyle: values['path-style'],
      prefix: values.prefix,
      serverKeepsPaths: values['server-keeps-paths'],
      words,
    };
  } catch (error) {
    return (error as Error).message;
  }
}
