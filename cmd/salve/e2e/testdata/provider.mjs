// An OpenID provider on loopback that believes whatever login it is given:
//
//   SALVE_NPM=dir node provider.mjs CLIENT_ID CLIENT_SECRET REDIRECT_URI
//
// It prints its issuer when it is ready, and ends when its standard input does.
// As the standard has it, names and addresses are not in the ID token: they are
// asked for at the userinfo endpoint.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [clientID, clientSecret, redirectURI] = process.argv.slice(2);
const found = createRequire(join(process.env.SALVE_NPM, 'here')).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(found));

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://localhost:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: clientID, client_secret: clientSecret, redirect_uris: [redirectURI] }],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  cookies: { keys: ['of this test'] },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id} by name`, email: `${id}@Example.com`, email_verified: id.startsWith('known') }),
  }),
});
const answer = provider.callback();
server.on('request', (req, res) => {
  res.setHeader('Content-Security-Policy', "default-src 'self' 'unsafe-inline'"); // its pages ask for a font from elsewhere
  answer(req, res);
});
process.stdin.on('end', () => process.exit()).resume();
console.log(issuer);
