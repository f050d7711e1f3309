/** Parse trees and back: how alternatives read a statement, and how they write theirs. */
import { parseSync } from 'libpg-query';
import { deparseSync } from 'pgsql-deparser';
import type { AlterTableCmd, Node, RangeVar } from '@pgsql/types';
import type { Catalog, Table } from '../engine/engine.ts';
import { lexSql } from '../plan/lexer.ts';

export interface AlternativeStep {
  readonly kind: 'migrate' | 'backfill';
  /** Of a backfill one, which may have `:batch` in it. */
  readonly statements: readonly string[];
  readonly transactional: boolean;
}

export interface Alternative {
  readonly title: string;
  /** True: the statement is the same, and only gives up soon. Of no use where a lock_timeout is in force already. */
  readonly onlyLockTimeout: boolean;
  readonly steps: readonly AlternativeStep[];
}

/** The tree of one statement; null if the parser does not take it. */
export function parseOne(text: string): Node | null {
  try {
    return parseSync(text).stmts?.[0]?.stmt ?? null;
  } catch {
    return null;
  }
}

export function write(node: Node): string {
  return deparseSync(node, { pretty: false });
}

/** Another way to the same end. */
export function other(title: string, steps: readonly AlternativeStep[]): Alternative {
  return { title, onlyLockTimeout: false, steps };
}

export function migrate(...statements: readonly string[]): AlternativeStep {
  return { kind: 'migrate', statements, transactional: true };
}

/** A statement that can't run in a transaction. */
export function alone(statement: string): AlternativeStep {
  return { kind: 'migrate', statements: [statement], transactional: false };
}

/** `$1` in the tree stands for the size of a batch. */
export function backfill(node: Node): AlternativeStep {
  const text = write(node);
  const lexed = lexSql(text);
  const at = lexed.ok ? lexed.dollars.at(-1) : undefined;
  const statement = at === undefined ? text : `${text.slice(0, at)}:batch${text.slice(at + 2)}`;
  return { kind: 'backfill', statements: [statement], transactional: true };
}

export function alterTable(relation: RangeVar, ...cmds: readonly AlterTableCmd[]): string {
  const commands = cmds.map((cmd): Node => ({ AlterTableCmd: cmd }));
  return write({ AlterTableStmt: { relation, cmds: commands, objtype: 'OBJECT_TABLE' } });
}

export function string(text: string): Node {
  return { String: { sval: text } };
}

export function textOf(node: Node | undefined): string {
  return node !== undefined && 'String' in node ? (node.String.sval ?? '') : '';
}

export function column(name: string): Node {
  return { ColumnRef: { fields: [string(name)] } };
}

export function operator(name: string, left: Node, right: Node): Node {
  return { A_Expr: { kind: 'AEXPR_OP', name: [string(name)], lexpr: left, rexpr: right } };
}

export function isNotNull(arg: Node): Node {
  return { NullTest: { arg, nulltesttype: 'IS_NOT_NULL' } };
}

export function allOf(args: readonly Node[]): Node | undefined {
  return args.length > 1 ? { BoolExpr: { boolop: 'AND_EXPR', args: [...args] } } : args[0];
}

export function anyOf(args: readonly Node[]): Node | undefined {
  return args.length > 1 ? { BoolExpr: { boolop: 'OR_EXPR', args: [...args] } } : args[0];
}

/** The names of columns that a part of a tree refers to, each once. */
export function columnsIn(value: unknown): readonly string[] {
  const found = new Set<string>();
  const visit = (each: unknown): void => {
    if (Array.isArray(each)) return each.forEach(visit);
    if (typeof each !== 'object' || each === null) return;
    const ref = (each as { ColumnRef?: { fields?: Node[] } }).ColumnRef;
    if (ref !== undefined) found.add(textOf(ref.fields?.at(-1)));
    Object.values(each).forEach(visit);
  };
  visit(value);
  return [...found];
}

export function tableOf(catalog: Catalog, relation: RangeVar | undefined): Table | null {
  const { relname, schemaname = 'public' } = relation ?? {};
  return catalog.tables.find((table) => table.relation === relname && table.schema === schemaname) ?? null;
}

/** `users_email_key`, as Postgres would make it of short names. */
export function nameOf(relation: RangeVar, ...parts: readonly string[]): string {
  const name = [relation.relname ?? '', ...parts].join('_');
  return Buffer.from(name).subarray(0, 63).toString('utf8').replace(/�$/, '');
}
