import {
  type AwsCredentials,
  bearerToken,
  noAuth,
  oauth2ClientCredentials,
  type RestAuth,
  type RestCatalogOptions,
  sigV4,
} from '@danube/iceberg-catalog-rest';
import { logCallEvents } from '../call-events.ts';
import type { RestCatalogSettings } from '../config/settings.ts';
import type { Logger } from '../log.ts';

/** The options of one opening: whoever proves the caller belongs to one catalog and is closed with it. */
export function restCatalogOptions(
  { uri, warehouse, prefix, headers, auth, accessDelegation }: RestCatalogSettings,
  logger: Logger | undefined,
): RestCatalogOptions {
  const events = logger && { onEvent: logCallEvents('Catalog', logger) };
  return {
    uri,
    ...(warehouse !== undefined && { warehouse }),
    ...(prefix !== undefined && { prefix }),
    headers,
    auth: restAuth(auth, logger),
    ...(accessDelegation !== undefined && { accessDelegation: [accessDelegation] }),
    ...events,
  };
}

function restAuth(settings: RestCatalogSettings['auth'], logger: Logger | undefined): RestAuth {
  switch (settings.kind) {
    case 'none':
      return noAuth();
    case 'bearer':
      return bearerToken(settings.token);
    case 'oauth2': {
      const { serverUri: tokenUri, credential, scope } = settings;
      const onEvent = logger && logCallEvents('Token endpoint of the catalog', logger);
      return oauth2ClientCredentials({ tokenUri, credential, scope, onEvent });
    }
    case 'sigv4': {
      const { region, service } = settings;
      return sigV4({ region, service, credentials: awsCredentials(region) });
    }
  }
}

/** The credential chain as the AWS SDK has it for S3; it keeps keys until shortly before they end. */
function awsCredentials(region: string): () => Promise<AwsCredentials> {
  let chain: (() => Promise<AwsCredentials>) | undefined;
  return async () => {
    if (chain === undefined) {
      const { S3Client } = await import('@aws-sdk/client-s3');
      chain = new S3Client({ region }).config.credentials;
    }
    return chain();
  };
}
