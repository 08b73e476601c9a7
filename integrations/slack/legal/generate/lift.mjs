// Reads a schema that ts-json-schema-generator made of @slack/types and prints
// it with the limits that Slack states only in prose: lengths, counts, ranges.
//
//   node lift.mjs raw.json unread.txt > schema.json
//
// A sentence about a limit that no rule here reads is named in unread.txt; the
// command fails when there is one that is not, or one named that is gone.
import { readFileSync } from 'node:fs';

const [rawFile, unreadFile] = process.argv.slice(2);
const defs = JSON.parse(readFileSync(rawFile, 'utf8')).definitions;

// Of what a rule reads, "text" is about the characters of a text, "count" about
// the entries of a list, "number" about a number.
const N = '`?([\\d,]+)`?';
const rules = [
  ['text', 'max', `maximum length(?! for the text in each item)[^.]*? (?:is|of) ${N}`],
  ['text', 'max', `max length of ${N}`],
  ['text', 'max', `limit ${N} characters`],
  ['text', 'max', `limited to ${N} characters`],
  ['text', 'below', `must be less than ${N} characters`],
  ['text', 'min', `minimum length[^.]*? is ${N}`],
  ['count', 'max', `maximum number of (?:items|options|option groups) is ${N}`],
  ['count', 'max', `max(?:imum)? of ${N} (?:elements|options|blocks)`],
  ['count', 'max', `maximum ${N} (?:rows|items|cards|blocks)`],
  ['count', 'max', `array of up to ${N}`],
  ['count', 'min', `minimum ${N}, maximum`],
  ['itemtext', 'max', `maximum length for the text in each item is ${N}`],
  ['itemcount', 'max', `each row object is an array with a max of ${N}`],
  ['number', 'max', `maximum(?: value is| of) ${N}|max ${N}`],
  ['number', 'min', `(?:minimum of|min|minimum number is) ${N}`],
  ['number', 'range', `must be between ${N} and ${N}`],
].map(([on, end, pattern]) => ({ on, end, pattern: new RegExp(pattern, 'i') }));

const suspect = /\bmax|\bmin(imum)?\b|\blimit(s|ed to)?\b|at most|up to|less than|between \d|no more than/i;
const unread = new Set();

function number(s) {
  return Number(s.replaceAll(',', ''));
}

function shapeOf(node) {
  const target = node.$ref ? defs[node.$ref.split('/').pop()] : node;
  if (target.anyOf) return shapeOf(target.anyOf[0]);
  return target;
}

// A bound of the text itself, or of the text that a text object holds.
function bindText(node, bound) {
  const shape = shapeOf(node);
  if (shape.type === 'string') return bound;
  return shape.properties?.text ? { properties: { text: bound } } : undefined;
}

function bounds(node, on, bound) {
  const shape = shapeOf(node);
  const list = shape.type === 'array';
  const one = (low, high) => ({ ...(bound.min !== undefined && { [low]: bound.min }), ...(bound.max !== undefined && { [high]: bound.max }) });
  switch (on) {
    case 'text': return list ? undefined : bindText(node, one('minLength', 'maxLength'));
    case 'count': return list ? one('minItems', 'maxItems') : undefined;
    case 'itemtext': return list ? { items: bindText(node.items, one('minLength', 'maxLength')) } : undefined;
    case 'itemcount': return list ? { items: one('minItems', 'maxItems') } : undefined;
    case 'number': return shape.type === 'number' ? one('minimum', 'maximum') : undefined;
  }
}

function read(node) {
  const found = [];
  const text = node.description.replace(/\{@link\s+\S+\s*([^}]*)\}/g, '$1').replace(/\s+/g, ' ');
  for (const { on, end, pattern } of rules) {
    const hit = text.match(pattern);
    if (!hit) continue;
    const at = number(hit[1] ?? hit[2]);
    const bound = { max: { max: at }, below: { max: at - 1 }, min: { min: at }, range: { min: at, max: number(hit[2] ?? '0') } }[end];
    const limit = bounds(node, on, bound);
    if (limit) found.push(limit);
  }
  return found;
}

// A description beside a $ref binds nothing, so the limit goes in an allOf.
function lift(node, where) {
  if (Array.isArray(node)) return node.forEach((n, i) => lift(n, where));
  if (typeof node !== 'object' || node === null) return;
  for (const [name, prop] of Object.entries(node.properties ?? {})) {
    if (!prop.description) continue;
    const found = read(prop);
    if (found.length === 0 && suspect.test(prop.description)) unread.add(`${where}.${name}`);
    if (found.length > 0) node.properties[name] = { allOf: [prop, ...found] };
  }
  for (const value of Object.values(node)) lift(value, where);
}

// Any of many becomes the one that "type" names, so that an error tells of it
// alone. What shares a type stays any of few.
function choose(node) {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map(choose);
  const out = Object.fromEntries(Object.entries(node).map(([k, v]) => [k, choose(v)]));
  const groups = new Map();
  for (const n of flat(node)) {
    const type = shape(n).properties?.type?.const ?? '';
    groups.set(type, [...(groups.get(type) ?? []), n.$ref ? { $ref: n.$ref } : choose(n)]);
  }
  if (!node.anyOf || groups.size < 2 || groups.has('')) return out;
  const { anyOf, description, ...rest } = out;
  const types = [...groups.keys()];
  return {
    ...rest, type: 'object', required: ['type'], properties: { type: { enum: types } },
    allOf: types.map((type) => ({
      if: { properties: { type: { const: type } } },
      then: groups.get(type).length === 1 ? groups.get(type)[0] : { anyOf: groups.get(type) },
    })),
  };
}

function shape(node) {
  return node.$ref ? defs[node.$ref.split('/').pop()] : node;
}

function flat(node) {
  return (node.anyOf ?? []).flatMap((n) => (shape(n).anyOf ? flat(shape(n)) : [n]));
}

function bare(node) {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).filter(([k, v]) => k !== 'description' || typeof v !== 'string').map(([k, v]) => [k, bare(v)]));
}

// Views and attachments take any block, which would let everything pass.
defs.AnyBlock = { $ref: '#/definitions/KnownBlock' };
for (const [name, def] of Object.entries(defs)) lift(def, name);

const known = readFileSync(unreadFile, 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
const grown = [...unread].filter((u) => !known.includes(u));
const gone = known.filter((k) => !unread.has(k));
for (const u of grown) console.error(`no rule reads the limit of ${u}; add one to lift.mjs, or name it in unread.txt`);
for (const k of gone) console.error(`unread.txt names ${k}, which is read or gone`);
if (grown.length + gone.length > 0) process.exit(1);

const names = Object.keys(defs).sort();
const lines = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(bare(choose(defs[name])))}`);
console.log(`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{\n${lines.join(',\n')}\n}}`);
