import { AnchorMdx, Description, DocsContext, Primary, Title } from '@storybook/addon-docs/blocks';
import { type ReactNode, useContext } from 'react';

/**
 * The page of a component: its first story, live, and a list of the others. Every live story is a
 * document of its own that runs its play function, so that a page full of them starts as empty frames.
 */
export function StoriesPage(): ReactNode {
  const stories = useContext(DocsContext).componentStories();
  return (
    <>
      <Title />
      <Description />
      <Primary />
      <h2>Stories</h2>
      <ul>
        {stories.map(({ id, name, parameters }) => (
          <li key={id}>
            <AnchorMdx href={`?path=/story/${id}`} target="_self">
              {name}
            </AnchorMdx>
            {describe(parameters)}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The comment above a story, as the docs addon finds it. */
function describe(parameters: { docs?: { description?: { story?: string } } }): string {
  const text = parameters.docs?.description?.story;
  return text ? ` – ${text}` : '';
}
