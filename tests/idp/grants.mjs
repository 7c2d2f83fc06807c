// Two grants that oidc-provider has no code for: an assertion (RFC 7523) and token exchange (RFC 8693).
import { jwtVerify } from 'jose';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type:';

export const GRANTS = [JWT_BEARER, TOKEN_EXCHANGE];

// errors: those of oidc-provider; key: the public one of who is trusted, `name`; users: whom tokens are given for.
export function registerGrants(provider, errors, { key, name, users }) {
  async function verified(jwt, refuse, audience) {
    try {
      const expected = { issuer: name, audience, requiredClaims: ['sub', 'exp'], maxTokenAge: 300 };
      return (await jwtVerify(jwt, key, expected)).payload;
    } catch (cause) {
      throw refuse(cause.message);
    }
  }

  async function issue(ctx, accountId, more) {
    const { client, params } = ctx.oidc;
    const grant = new provider.Grant({ accountId, clientId: client.clientId });
    grant.addOIDCScope(params.scope ?? 'read');
    const token = new provider.AccessToken({
      accountId, client, grantId: await grant.save(), scope: params.scope ?? 'read', gty: 'exchange',
    });
    const value = await token.save();
    const told = { access_token: value, token_type: 'Bearer', expires_in: token.expiration, scope: token.scope };
    ctx.body = { ...told, ...more };
  }

  provider.registerGrantType(JWT_BEARER, async (ctx) => {
    const refuse = (why) => new errors.InvalidGrant(why);
    const { assertion } = ctx.oidc.params;
    if (!assertion) throw new errors.InvalidRequest('no assertion');
    const said = await verified(assertion, refuse, provider.issuer);
    if (!said.jti) throw refuse('no jti');
    const isNew = await provider.ReplayDetection.unique(said.iss, said.jti, said.exp);
    if (!isNew) throw refuse('used before');
    if (!users.has(said.sub)) throw refuse('no such user');
    await issue(ctx, said.sub, {});
  }, ['assertion', 'scope']);

  const refuse = (why) => new errors.InvalidRequest(why); // RFC 8693, 2.2.2
  async function whose(token, type) {
    if (type === `${TYPE}jwt`) return (await verified(token, refuse, provider.issuer)).sub;
    if (type !== `${TYPE}access_token`) throw refuse('this type of token is not taken');
    const found = await provider.AccessToken.find(token);
    if (!found?.isValid) throw refuse('no such token');
    return found.accountId;
  }

  provider.registerGrantType(TOKEN_EXCHANGE, async (ctx) => {
    const said = ctx.oidc.params;
    if (!said.subject_token || !said.subject_token_type) throw refuse('no subject_token, or no type of it');
    if (Boolean(said.actor_token) !== Boolean(said.actor_token_type)) throw refuse('an actor_token has a type');
    const subject = await whose(said.subject_token, said.subject_token_type);
    if (said.actor_token) await whose(said.actor_token, said.actor_token_type);
    const issued = said.requested_token_type ?? `${TYPE}access_token`;
    const kind = issued === `${TYPE}access_token` ? 'Bearer' : 'N_A';
    await issue(ctx, subject, { issued_token_type: issued, token_type: kind });
  }, [
    'subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type',
    'audience', 'resource', 'scope',
  ], ['audience', 'resource']);
}
