self.addEventListener('fetch', (event) => event.respondWith(new Response('<script>document.title = "no policy"</script>', { headers: { 'Content-Type': 'text/html' } })));
