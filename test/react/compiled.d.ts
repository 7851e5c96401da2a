/** A module that went through React's compiler. */
declare module '*/ChatWidget.tsx?compiled' {
  export { ChatWidget } from '../../stories/chat/ChatWidget.tsx';
}
