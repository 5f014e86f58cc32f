/** Style sheets that a bundle imports for their effect alone. */
declare module '*.css';
