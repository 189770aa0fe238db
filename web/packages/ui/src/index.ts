export { default as Avatar } from './Avatar.svelte';
export { default as Button } from './Button.svelte';
export { default as Dialog } from './Dialog.svelte';
export { default as Field } from './Field.svelte';
export { default as IconButton } from './IconButton.svelte';
export { default as MenuItem } from './MenuItem.svelte';
export { default as Popover, type TriggerProps } from './Popover.svelte';
