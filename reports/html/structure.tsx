import type { ComponentChildren, VNode } from 'preact';

/** A column of a table by its name; numbers stand at its right edge. */
export type Column = string | { readonly number: ComponentChildren };

/** The head of a table. */
export function TableHead({ columns }: { readonly columns: readonly Column[] }): VNode {
  return (
    <thead>
      <tr>
        {columns.map((column, index) =>
          typeof column === 'string' ? (
            <th key={index} scope="col">
              {column}
            </th>
          ) : (
            <th key={index} scope="col" class="number">
              {column.number}
            </th>
          ),
        )}
      </tr>
    </thead>
  );
}

/** One fact of a list of them: what it is called, and what it is. */
export function Fact({
  name,
  whole = false,
  children,
}: {
  readonly name: string;
  /** Whether it takes a line of its own. */
  readonly whole?: boolean;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <div {...(whole ? { class: 'whole' } : {})}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
