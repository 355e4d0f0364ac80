import { oauth2ClientCredentials, openRestCatalog } from '@danube/iceberg-catalog-rest';

const [uri = 'http://127.0.0.1:8181', tokenUri = 'http://127.0.0.1:8080/token'] = process.argv.slice(2);
const credential = process.env['CATALOG_CREDENTIAL']; // id:secret
const auth = oauth2ClientCredentials({ tokenUri, credential, scope: 'catalog' });
const catalog = await openRestCatalog({ uri, auth }); // closed with the catalog
console.log(await catalog.listNamespaces());
await catalog.close();
