/** Compiled by `typecheck`: the two packages do not import each other, this keeps both sides honest. */
import type { S3Credentials, S3ObjectStoreOptions, S3VendedCredentials } from '@danube/objectstore';
import type { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialsProvider } from '../src/auth/aws-credentials.ts';
import type { VendedS3Credentials, VendedS3Settings, vendedS3Credentials } from '../src/auth/vended-s3.ts';

type Fits<Given extends Wanted, Wanted> = Given;

/** What the catalog vends is what the store takes, */
export type KeysFit = Fits<VendedS3Credentials, S3VendedCredentials>;
/** and has all of it: a field that one side gains is missed here. */
export type SameFields = Fits<
  Record<keyof S3VendedCredentials, unknown>,
  Record<keyof VendedS3Credentials, unknown>
>;
/** The function itself can be the `credentials` of a store, */
export type ProviderFits = Fits<NonNullable<ReturnType<typeof vendedS3Credentials>>, S3Credentials>;
/** and the settings can be spread into its options. */
export type SettingsFit = Fits<VendedS3Settings, Partial<S3ObjectStoreOptions>>;
/** Providers of the AWS SDK can be the `credentials` of `sigV4`. */
export type SdkCredentialsFit = Fits<
  ConstructorParameters<typeof SignatureV4>[0]['credentials'],
  AwsCredentialsProvider
>;
