// npm's scimmy, another implementation of SCIM, against /scim/v2: node scim.mjs URL TOKEN. What the gateway serves has to be
// what scimmy's schemas know, and its filters and patches have to come out as scimmy's own. Prints how much was compared.
import assert from 'node:assert/strict';
import SCIMMY from 'scimmy';

const [, , url, token] = process.argv;
const { User, Group, EnterpriseUser } = SCIMMY.Schemas;
User.definition.extend(EnterpriseUser.definition, false);
const compared = { schemas: 0, filters: 0, patches: 0, bulk: 0 };

const ask = async (method, path, body) => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
};

// 1 discovery: every attribute of scimmy's schemas that is served is of its type
const plain = (attributes) => Object.fromEntries(attributes.map((a) => [a.name, a]));
const served = plain((await ask('GET', '/Schemas')).Resources.map((s) => ({ ...s, name: s.id })));
for (const { definition } of [User, Group, EnterpriseUser]) {
  const known = plain(JSON.parse(JSON.stringify(definition.describe())).attributes);
  for (const attribute of served[definition.id].attributes) {
    const { type, multiValued, mutability, subAttributes = [] } = known[attribute.name] ?? assert.fail(`${definition.id} has no ${attribute.name}`);
    assert.deepEqual([attribute.type, attribute.multiValued, attribute.mutability], [type, multiValued, mutability], `${definition.id}:${attribute.name}`);
    for (const part of attribute.subAttributes ?? []) assert.ok(subAttributes.some((s) => s.name === part.name), `${attribute.name}.${part.name}`);
    compared.schemas++;
  }
}
for (const type of (await ask('GET', '/ResourceTypes')).Resources) assert.ok(type.endpoint && type.schema);
const config = await ask('GET', '/ServiceProviderConfig');
for (const feature of ['patch', 'bulk', 'filter', 'sort', 'etag']) assert.equal(config[feature].supported, true);

// 2 people, as scimmy writes them, in bulk
const people = Array.from({ length: 6 }, (_, i) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
  userName: `peer${i}@corp.example`,
  externalId: `x-${i}`,
  displayName: `Peer ${i}`,
  active: i % 2 === 0,
  title: i < 3 ? 'Lead' : 'Engineer',
  name: { givenName: `G${i}`, familyName: 'Peer' },
  emails: [{ value: `peer${i}@corp.example`, type: 'work', primary: true }, ...(i < 2 ? [{ value: `p${i}@home.example`, type: 'home' }] : [])],
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { costCenter: `${i}`, department: i < 3 ? 'R' : 'S' },
}));
const operations = people.map((data, i) => ({ method: 'POST', path: '/Users', bulkId: `b${i}`, data }));
operations.unshift({ method: 'POST', path: '/Groups', bulkId: 'g', data: { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'peers', members: [{ value: 'bulkId:b0' }] } });
const bulk = await ask('POST', '/Bulk', { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: operations });
assert.deepEqual(bulk.Operations.map((o) => o.status), operations.map(() => '201'));
compared.bulk = bulk.Operations.length;
const all = (await ask('GET', '/Users?filter=userName+sw+%22peer%22')).Resources;
assert.equal(all.length, people.length);
for (const user of all) new User(user, 'out');
for (const group of (await ask('GET', '/Groups')).Resources) new Group(group, 'out');

// 3 filters; none with a group in brackets behind "and", of which scimmy 1.3.5 drops the rest
for (const filter of [
  'userName eq "peer1@corp.example"', 'userName sw "peer" and active eq true', 'title eq "Lead" or externalId eq "x-5"', 'not (title eq "Lead") and userName sw "peer"',
  'emails[type eq "home" and value co "p1"]', 'emails.value ew "home.example"', 'userName sw "peer" and title eq "Lead" and active eq false',
  'name.givenName eq "G4"', 'nickName pr', 'userName sw "peer" and title ne "Lead"', 'externalId gt "x-3"', 'externalId le "x-1"',
]) {
  const ours = (await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`)).Resources.map((u) => u.userName);
  const theirs = new SCIMMY.Types.Filter(filter).match(all).map((u) => u.userName);
  assert.deepEqual(ours, theirs, filter);
  compared.filters++;
}

// 4 patches
const shown = ({ schemas, meta, groups, ...rest }) => rest;
for (const Operations of [
  [{ op: 'Replace', path: 'displayName', value: 'Renamed' }],
  [{ op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@corp.example' }],
  [{ op: 'Add', path: 'emails', value: [{ value: 'other@corp.example', type: 'other' }] }],
  [{ op: 'Remove', path: 'emails[type eq "other"]' }],
  [{ op: 'replace', value: { title: 'Head', 'name.givenName': 'Gina' } }],
  [{ op: 'Add', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter', value: '77' }],
  [{ op: 'Remove', path: 'title' }, { op: 'Add', path: 'nickName', value: 'G' }],
  [{ op: 'Replace', path: 'active', value: false }],
]) {
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
  const before = await ask('GET', `/Users/${all[0].id}`);
  const theirs = JSON.parse(JSON.stringify((await new SCIMMY.Messages.PatchOp(body).apply(new User(before, 'out'), async (user) => user)) ?? before));
  const ours = await ask('PATCH', `/Users/${all[0].id}`, body);
  assert.deepEqual(shown(ours), shown(theirs), JSON.stringify(Operations));
  compared.patches++;
}
console.log(JSON.stringify(compared));
