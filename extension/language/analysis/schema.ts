/** What the JSON Schema of plans says of a path: which keys a map there takes, which values, and what they mean. */
import { planJsonSchema } from '../../../simulator/plan/schema.ts';
import type { Path } from './tree.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly definitions?: Readonly<Record<string, Schema>>;
}

export interface KnownKey {
  readonly key: string;
  readonly description: string;
  readonly isRequired: boolean;
  /** What may stand behind it: `string`, `number`, `boolean`, `array`, `object`, `null`. */
  readonly types: readonly string[];
  readonly values: readonly string[];
}

const root = planJsonSchema() as Schema;

/** Every schema that one stands for: references followed, alternatives side by side. */
function flatten(schema: Schema, seen: readonly string[] = []): readonly Schema[] {
  const { $ref, anyOf = [], allOf = [] } = schema;
  const parts = [...anyOf, ...allOf].flatMap((each) => flatten(each, seen));
  if ($ref === undefined || seen.includes($ref)) return [schema, ...parts];
  const target = root.definitions?.[$ref.replace('#/definitions/', '')];
  return [schema, ...parts, ...(target === undefined ? [] : flatten(target, [...seen, $ref]))];
}

function step(schemas: readonly Schema[], key: string | number): readonly Schema[] {
  return schemas.flatMap((schema) => {
    if (typeof key === 'number') return schema.items === undefined ? [] : flatten(schema.items);
    const own = schema.properties?.[key];
    if (own !== undefined) return flatten(own);
    return typeof schema.additionalProperties === 'object' ? flatten(schema.additionalProperties) : [];
  });
}

function schemasAt(path: Path): readonly Schema[] {
  let schemas = flatten(root);
  for (const key of path) schemas = step(schemas, key);
  return schemas;
}

function typesOf(schemas: readonly Schema[]): readonly string[] {
  return [...new Set(schemas.flatMap(({ type }) => type ?? []))];
}

/** The keys with fixed names that a map at this path takes. */
export function keysAt(path: Path): readonly KnownKey[] {
  const schemas = schemasAt(path);
  const keys = new Map<string, KnownKey>();
  for (const { properties = {}, required = [] } of schemas) {
    for (const key of Object.keys(properties)) {
      if (keys.has(key)) continue;
      const inner = [...path, key];
      const isRequired = required.includes(key);
      keys.set(key, { key, description: descriptionAt(inner) ?? '', isRequired, ...valuesAt(inner) });
    }
  }
  return [...keys.values()];
}

/** Whether a map at this path takes names of one's own: versions, requests, tables. */
export function takesNames(path: Path): boolean {
  return schemasAt(path).some(({ additionalProperties }) => typeof additionalProperties === 'object');
}

export function valuesAt(path: Path): { readonly types: readonly string[]; readonly values: readonly string[] } {
  const schemas = schemasAt(path);
  const types = typesOf(schemas);
  const values = schemas.flatMap((schema) => schema.enum ?? []).filter((value) => typeof value === 'string');
  return { types, values: types.includes('boolean') ? [...values, 'true', 'false'] : values };
}

/** What is said of the key that ends the path; null where nothing is. */
export function descriptionAt(path: Path): string | null {
  if (path.length === 0) return root.description ?? null;
  return schemasAt(path).find(({ description }) => description !== undefined)?.description ?? null;
}
