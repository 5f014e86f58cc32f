console.error('siamscope: not wired yet');
