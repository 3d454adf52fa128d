"""Everything but the screens and the routes: settings, the Marketing API, the store, refresh, insights and access."""
