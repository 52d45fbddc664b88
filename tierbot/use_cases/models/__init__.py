"""Model versions: trained, judged, put in service, explained."""
